-- pass: survived
return { check = function()
  pcall(granted.env, "HOME")
  return { answer = "pass", summary = "survived" }
end }
