-- error: timed out after
return { check = function()
  string.find(string.rep("(", 200000), "%b()%b()%b()b")
  while true do string.find(string.rep("(", 200000), "%b()") end
  return { answer = "pass", summary = "survived" }
end }
