-- error
return { check = function()
  return setmetatable({}, { __index = function(_, key) while true do end end })
end }
