-- error: `summary`
return { check = function()
  return { answer = "pass" }
end }
