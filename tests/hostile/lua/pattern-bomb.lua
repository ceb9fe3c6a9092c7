-- pass: quick
return {
  config = { a = { type = "string", pattern = "^(a+)+$", default = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" } },
  check = function() return { answer = "pass", summary = "quick" } end,
}
