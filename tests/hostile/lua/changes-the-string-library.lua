-- error: attempt to modify a readonly table
return { check = function()
  string.find = function() return 1 end
  return { answer = "pass", summary = "survived" }
end }
