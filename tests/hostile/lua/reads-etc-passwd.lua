-- pass: nothing
return { check = function()
  for _, path in { "/etc/passwd", "../../../etc/passwd", "../.git/config", ".git/config", "\"/etc/passwd\"" } do
    if candidate.read(path) or candidate.read_base(path) or candidate.exists(path) then return { answer = "fail", summary = path } end
  end
  return { answer = "pass", summary = "nothing" }
end }
