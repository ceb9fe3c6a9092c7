-- error: timed out
return { check = function()
  local globs = table.create(500000, "*a*a*a*a*a*a*a*b")
  candidate.matches_any(globs, string.rep("a", 4000))
  return { answer = "pass", summary = "through" }
end }
