-- error: its config schema is no JSON Schema
return {
  config = { a = { ["$ref"] = "file:///etc/passwd" } },
  check = function() return { answer = "pass", summary = "read it" } end,
}
