-- error: `env:HOME` is not granted
return { check = function()
  granted.env("HOME")
  return { answer = "pass", summary = "survived" }
end }
