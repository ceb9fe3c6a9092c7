-- error: timed out after
return { check = function()
  local all = {}
  while true do
    local made = coroutine.create(function() while true do coroutine.yield() end end)
    pcall(coroutine.resume, made)
    all[1 + #all % 10] = made
  end
  return { answer = "pass", summary = "survived" }
end }
