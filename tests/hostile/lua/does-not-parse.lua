-- error: tests/hostile/does-not-parse.lua:3
return {
