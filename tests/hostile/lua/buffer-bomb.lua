-- error: 
return { check = function()
  local all = {}
  while true do all[#all + 1] = buffer.create(1000000) end
  return { answer = "pass", summary = "survived" }
end }
