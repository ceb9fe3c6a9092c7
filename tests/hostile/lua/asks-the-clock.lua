-- error: `clock` is not granted
return { check = function()
  granted.now()
  return { answer = "pass", summary = "survived" }
end }
