-- error: attempt to modify a readonly table
return { check = function()
  getmetatable("").__index = {}
  return { answer = "pass", summary = "survived" }
end }
