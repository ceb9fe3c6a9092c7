-- error: `../../etc/passwd` is no module beside the gate
local _ = require("../../etc/passwd")
