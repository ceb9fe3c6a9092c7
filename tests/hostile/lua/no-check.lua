-- error: the table of the gate has no function `check`
return { description = "nothing" }
