-- error: there is no candidate yet
local _ = candidate.files("**")
