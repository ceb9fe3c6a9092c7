-- pass: �]0;owned��[31mred two
return { check = function()
  return { answer = "pass", summary = "\27]0;owned\7\27[31mred\ntwo", annotations = { { path = "a\27[2J", line = 1, message = "\27[1A\u{202e}" } } }
end }
