-- error: needs more memory
return { check = function()
  local text = "x"
  while true do text ..= text end
  return { answer = "pass", summary = "survived" }
end }
