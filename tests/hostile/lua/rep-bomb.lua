-- error: needs more memory
return { check = function()
  local _ = string.rep("x", 1000000000)
  return { answer = "pass", summary = "survived" }
end }
