-- error
return { check = function()
  error({ answer = "pass" })
  return { answer = "pass", summary = "survived" }
end }
