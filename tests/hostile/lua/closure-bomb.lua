-- error: 
return { check = function()
  local all = {}
  while true do all[#all + 1] = function() return all end end
  return { answer = "pass", summary = "survived" }
end }
