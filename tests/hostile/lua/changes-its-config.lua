-- pass: untouched
return {
  config = { list = { type = "array", default = { "a" } }, number = { type = "integer", default = 1 } },
  check = function()
    local first = candidate.config()
    local was = #first.list == 1 and first.number == 1
    table.insert(first.list, "b")
    first.number = 2
    local second = candidate.config()
    local is = #second.list == 1 and second.number == 1
    return { answer = if was and is then "pass" else "fail", summary = if was and is then "untouched" else "changed" }
  end,
}
