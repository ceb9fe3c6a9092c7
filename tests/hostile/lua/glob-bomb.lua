-- error: a glob may have 8 stars
return { check = function()
  candidate.matches(string.rep("*a", 100), string.rep("a", 4000))
  return { answer = "pass", summary = "survived" }
end }
