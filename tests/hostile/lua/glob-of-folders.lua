-- pass: survived
return { check = function()
  candidate.matches(string.rep("**/", 4) .. "b", string.rep("a/", 2048))
  return { answer = "pass", summary = "survived" }
end }
