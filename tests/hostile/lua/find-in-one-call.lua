-- error: timed out after
return { check = function()
  local text = string.rep("a", 100000)
  while true do string.find(text, string.rep("a-", 100) .. "b") end
  return { answer = "pass", summary = "survived" }
end }
