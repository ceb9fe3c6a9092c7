-- error: timed out after
return { check = function()
  while true do coroutine.wrap(function() while true do end end)() end
  return { answer = "pass", summary = "survived" }
end }
