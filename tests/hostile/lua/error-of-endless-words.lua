-- error
return { check = function()
  error(string.rep("x", 10000000))
  return { answer = "pass", summary = "survived" }
end }
