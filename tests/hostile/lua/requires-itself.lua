-- error: module `./requires-itself` requires itself
local _ = require("./requires-itself")
