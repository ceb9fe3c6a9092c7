-- error: `check` returns integer
return { check = function()
  return 7
end }
