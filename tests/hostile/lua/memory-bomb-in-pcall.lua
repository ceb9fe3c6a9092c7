-- error: 
return { check = function()
  while true do pcall(function() local all = {} while true do all[#all + 1] = {} end end) end
  return { answer = "pass", summary = "survived" }
end }
