-- error
return { check = function()
  local text = string.rep("%99999s", 1000)
  local _ = string.format(text, "x")
  return { answer = "pass", summary = "survived" }
end }
