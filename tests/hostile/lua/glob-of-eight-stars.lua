-- pass: survived
return { check = function()
  candidate.matches(string.rep("*a", 8) .. "b", string.rep("a", 4096))
  return { answer = "pass", summary = "survived" }
end }
