-- pass: flood (999800 more places were left out)
return { check = function()
  local all = table.create(1000000, { path = "a", line = 1, message = "here" })
  return { answer = "pass", summary = "flood", annotations = all }
end }
