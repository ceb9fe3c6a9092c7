-- error: is not UTF-8 from byte
return { check = "ÿ" }
