-- error: its time is over
while true do end
