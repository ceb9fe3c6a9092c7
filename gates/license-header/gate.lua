-- Who holds the rights in a file is said at its top. How a comment is written is left out of the comparison, so that one header does
-- for all languages.

-- No file is read beyond this, for the header is at the top.
local TOP = 4096
-- Larger files cannot be read at all.
local MOST = 32 * 1024 * 1024

local SIGNS = {
	["//"] = "c cc cpp cs cxx dart go groovy h hpp java js jsx kt kts m mjs mm proto rs scala scss swift ts tsx zig",
	["#"] = "bash cmake ex exs jl mk pl pm ps1 py pyi r rb sh tf toml yaml yml",
	["--"] = "ada elm hs lua luau sql vhd vhdl",
}

local SIGN_OF = {}
for sign, suffixes in SIGNS do
	for suffix in string.gmatch(suffixes, "%S+") do
		SIGN_OF[suffix] = sign
	end
end

-- A line without the signs of a comment, and without blanks at its ends.
local function bare(line)
	line = string.gsub(line, "^[%s/*#;%%<!-]+", "")
	line = string.match(line, "^.*[^%s*/>-]") or ""
	return (string.gsub(line, "%s+", " "))
end

local function lines_of(text)
	local lines = string.split(text, "\n")
	if lines[#lines] == "" then
		table.remove(lines)
	end
	return lines
end

-- What is looked for, as patterns of bare lines. `{year}` is any year, or a range of years.
local function header_patterns(header)
	local patterns = {}
	for _, line in lines_of(header) do
		local escaped = string.gsub(bare(line), "[%^%$%(%)%%%.%[%]%*%+%-%?]", "%%%0")
		table.insert(patterns, "^" .. string.gsub(escaped, "{year}", "%%d[%%d, -]*") .. "$")
	end
	return patterns
end

-- Whether the lines of the header stand there, one below the other.
local function has_header(lines, patterns)
	for from = 1, #lines - #patterns + 1 do
		local all = true
		for at, pattern in patterns do
			if not string.find(lines[from + at - 1], pattern) then
				all = false
				break
			end
		end
		if all then
			return true
		end
	end
	return false
end

-- Above the header there may only be what must be in the first line.
local function place_for_header(lines)
	local first = lines[1] or ""
	if string.find(first, "^#!") or string.find(first, "^<%?") or string.find(first, "^#.*coding[:=]") then
		return 2
	end
	return 1
end

local function suggestion(rule, path, line)
	local sign = SIGN_OF[string.match(path, "%.(%w+)$") or ""]
	if rule.header == "" or not sign or not line then
		return nil
	end
	local year = tostring(1970 + candidate.head().committer.time // 31556952)
	local text = {}
	for _, one in lines_of(rule.header) do
		-- A header that has its own signs of a comment stays as it is.
		local has_sign = bare(one) ~= (string.gsub(one, "%s+", " "))
		local filled = string.gsub(one, "{year}", year)
		table.insert(text, if has_sign then filled else string.match(`{sign} {filled}`, "^.*%S"))
	end
	table.insert(text, line)
	return table.concat(text, "\n")
end

return {
	description = "New source files say at their top under which license they are",
	config = {
		header = {
			type = "string",
			default = "",
			description = "The lines of the header, with or without the signs of a comment; `{year}` stands for any year.",
		},
		pattern = {
			type = "string",
			default = "SPDX%-License%-Identifier: %S+",
			description = "A Lua pattern that a line must match where there is no `header`.",
		},
		files = {
			type = "array",
			items = { type = "string" },
			default = {
				"**/*.c",
				"**/*.cc",
				"**/*.cpp",
				"**/*.cs",
				"**/*.go",
				"**/*.h",
				"**/*.hpp",
				"**/*.java",
				"**/*.js",
				"**/*.jsx",
				"**/*.kt",
				"**/*.py",
				"**/*.rb",
				"**/*.rs",
				"**/*.sh",
				"**/*.swift",
				"**/*.ts",
				"**/*.tsx",
			},
			description = "Globs of the files that need it.",
		},
		exclude = {
			type = "array",
			items = { type = "string" },
			default = { "**/node_modules/**", "**/third_party/**", "**/vendor/**" },
			description = "Globs of files that do not.",
		},
		rules = {
			type = "array",
			items = {
				type = "object",
				additionalProperties = false,
				required = { "files" },
				properties = {
					files = { type = "array", items = { type = "string" }, description = "Globs of files." },
					header = { type = "string", description = "As above, for these." },
					pattern = { type = "string", description = "As above, for these." },
				},
			},
			default = {},
			description = "Other headers for some files; the first that names a file counts, before `files`.",
		},
		["only-new"] = {
			type = "boolean",
			default = true,
			description = "Whether only new files need it, or all that are changed.",
		},
		within = {
			type = "integer",
			minimum = 1,
			default = 10,
			description = "In which of the first lines it must begin.",
		},
	},
	check = function()
		local config = candidate.config()
		local rules = config.rules
		table.insert(rules, { files = config.files, header = config.header, pattern = config.pattern })
		for _, rule in rules do
			rule.header = rule.header or ""
			rule.pattern = rule.pattern or config.pattern
			if rule.header ~= "" then
				rule.patterns = header_patterns(rule.header)
			elseif not pcall(string.find, "", rule.pattern) then
				error(`config: \`{rule.pattern}\` is no Lua pattern`, 0)
			end
		end

		local annotations, looked = {}, 0
		for _, change in candidate.changes() do
			local counts = change.status == "added" or (not config["only-new"] and change.status ~= "deleted")
			if not counts or (change.mode ~= "file" and change.mode ~= "executable") then
				continue
			end
			local rule
			for _, one in rules do
				if candidate.matches_any(one.files, change.path) then
					rule = one
					break
				end
			end
			if not rule or candidate.matches_any(config.exclude, change.path) or candidate.size(change.path) > MOST then
				continue
			end
			local text = string.sub(candidate.read(change.path), 1, TOP)
			-- Nobody holds rights in nothing, and what a program writes says what its source says.
			local is_generated = string.find(text, "@generated", 1, true) or string.find(text, "DO NOT EDIT", 1, true)
			if not string.find(text, "%S") or is_generated then
				continue
			end
			looked += 1
			local lines = lines_of(string.gsub(text, "^\239\187\191", ""))
			local bares, has = {}, false
			for at, line in lines do
				if at >= config.within + (if rule.patterns then #rule.patterns else 1) then
					break
				end
				bares[at] = bare(line)
				has = has or (not rule.patterns and string.find(line, rule.pattern) ~= nil)
			end
			if rule.patterns then
				has = has_header(bares, rule.patterns)
			end
			if not has then
				local at = place_for_header(lines)
				table.insert(annotations, {
					path = change.path,
					line = if lines[at] then at else 1,
					message = if rule.patterns then "no license header" else `no line that matches \`{rule.pattern}\``,
					replacement = suggestion(rule, change.path, lines[at]),
				})
			end
		end
		local facts = { files = looked, missing = #annotations }
		if #annotations == 0 then
			local what = if looked == 1 then "1 file has its header" else `{looked} files have their headers`
			return { answer = "pass", summary = if looked == 0 then "no file needs a header" else what, facts = facts }
		end
		local more = if #annotations > 1 then ` and {#annotations - 1} more` else ""
		return {
			answer = "fail",
			summary = `{annotations[1].path}{more}: {annotations[1].message} in the first {config.within} lines`,
			annotations = annotations,
			facts = facts,
		}
	end,
}
