-- error: the table of the gate has the key `descripton`, which it cannot have; did you mean `description`?
return { descripton = "a typo", check = function() return { answer = "pass", summary = "" } end }
