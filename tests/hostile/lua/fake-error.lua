-- error: its answer `error` is none of pass, fail, warn and skip
return { check = function()
  return { answer = "error", summary = "I could not" }
end }
