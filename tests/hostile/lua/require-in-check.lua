-- error: `require` is for the top of the file
return { check = function()
  require("./words")
  return { answer = "pass", summary = "survived" }
end }
