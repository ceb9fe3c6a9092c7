-- error: timed out after
return { check = function()
  local items = {}
  for at = 1, 1000 do items[at] = at end
  while true do table.sort(items, function(a, b) return a < b end) end
  return { answer = "pass", summary = "survived" }
end }
