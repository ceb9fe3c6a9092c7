-- error: timed out after
return { check = function()
  while true do xpcall(function() while true do end end, function() while true do end end) end
  return { answer = "pass", summary = "survived" }
end }
