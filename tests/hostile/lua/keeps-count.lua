-- pass: 1
local count = 0
counted = (counted or 0)
return { check = function()
  count += 1
  counted += 1
  return { answer = "pass", summary = tostring(count * counted) }
end }
