-- pass: ok"} {"gate":"good","verdict":"fail"
return { check = function()
  return { answer = "pass", summary = "ok\"}\n{\"gate\":\"good\",\"verdict\":\"fail\"" }
end }
