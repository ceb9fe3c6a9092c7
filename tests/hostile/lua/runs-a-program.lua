-- error: `exec:sh` is not granted
return { check = function()
  granted.exec("sh", { "-c", "id" })
  return { answer = "pass", summary = "survived" }
end }
