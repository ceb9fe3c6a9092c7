-- error: timed out after
return { check = function()
  while true do end
  return { answer = "pass", summary = "survived" }
end }
