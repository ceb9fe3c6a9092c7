-- error: timed out after
return { check = function()
  local items = table.create(1000000, 0)
  for at = 1, 1000000 do items[at] = (at * 7919) % 1000003 end
  while true do table.sort(items) end
  return { answer = "pass", summary = "survived" }
end }
