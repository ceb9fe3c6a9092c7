-- error: it requires `./nothing`, but there is no
local _ = require("./nothing")
