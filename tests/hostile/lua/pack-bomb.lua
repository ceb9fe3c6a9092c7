-- error
return { check = function()
  local all = {}
  for at = 1, 1000000 do all[at] = at end
  local _ = { table.unpack(all) }
  return { answer = "pass", summary = "survived" }
end }
