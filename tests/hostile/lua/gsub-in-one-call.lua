-- error: timed out after
return { check = function()
  string.gsub(string.rep("a", 300000), string.rep("a?", 30) .. string.rep("a", 30) .. "b", "")
  return { answer = "pass", summary = "survived" }
end }
