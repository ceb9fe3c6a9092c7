-- pass: nothing
return { check = function()
  for _, name in { "io", "os", "debug", "package", "loadstring", "loadfile", "dofile", "load", "getfenv", "setfenv", "collectgarbage", "gcinfo", "newproxy" } do
    local held = if name == "io" then io elseif name == "os" then os elseif name == "debug" then debug elseif name == "package" then package
      elseif name == "loadstring" then loadstring elseif name == "load" then load elseif name == "getfenv" then getfenv
      elseif name == "setfenv" then setfenv elseif name == "collectgarbage" then collectgarbage elseif name == "gcinfo" then gcinfo
      elseif name == "newproxy" then newproxy else nil
    if held ~= nil or _G[name] ~= nil then return { answer = "fail", summary = name } end
  end
  return { answer = "pass", summary = "nothing" }
end }
