-- error: its facts are
return { check = function()
  return { answer = "pass", summary = "huge", facts = { text = string.rep("x", 1000000) } }
end }
