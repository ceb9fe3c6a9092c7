-- A manifest says what is needed, its lockfile what is taken. Where the dependencies of the one change, the other must change too, or the
-- next build changes it behind everybody's back. Both versions of a manifest are read and compared, so that moving a line, adding a
-- feature or setting a version of one's own is no change.

local LISTED = 50

-- No manifest is larger, and no line of one is longer, that a person or a package manager wrote.
local MOST, LONGEST = 1024 * 1024, 1000

local function lines_of(text)
	local lines = {}
	for line in string.gmatch(text, "[^\r\n]+") do
		if #line <= LONGEST then
			table.insert(lines, line)
		end
	end
	return lines
end

-- Keep a dependency that stands in a manifest; where a name stands more than once, all that is said of it counts.
local function add(found, name, what)
	found[name] = if found[name] and found[name] ~= what then `{found[name]} {what}` else what
end

local function unquoted(name)
	return (string.gsub(name, "[\"']", ""))
end

-- What of a dependency in TOML decides which version is taken. Features do not.
local SOURCES = { "version", "git", "branch", "tag", "rev", "path", "package", "registry", "url", "workspace" }

local function source_of(value)
	local plain = string.match(value, "^[\"']([^\"']*)[\"']")
	if plain then
		return plain
	end
	local said = {}
	for _, key in SOURCES do
		local text = string.match(value, "[{,%s]" .. key .. "%s*=%s*[\"']?([^\"',}]+)")
		if text then
			table.insert(said, if key == "version" then text else `{key} {text}`)
		end
	end
	return table.concat(said, " ")
end

local function cargo(text)
	local found, section, one, shared = {}, "", nil, false
	for _, line in lines_of(text) do
		local header = string.match(line, "^%s*%[+([^%]].-)%]+%s*$") or string.match(line, "^%s*%[+([^%]].-)%]+%s*#")
		if header then
			section = header
			-- What a workspace offers is in the lockfile only where a member takes it.
			shared = string.find(section, "^workspace%.") ~= nil
			one = string.match(section, "dependencies%.([%w_\"'-]+)$")
			if one then
				one = (if shared then "workspace." else "") .. unquoted(one)
				add(found, one, "")
			end
		elseif one then
			local key, value = string.match(line, "^%s*([%w_-]+)%s*=%s*(.+)$")
			if key and table.find(SOURCES, key) then
				local text = unquoted(string.match(value, "^[^#]*"))
				add(found, one, if key == "version" then text else `{key} {text}`)
			end
		elseif string.find(section, "dependencies$") then
			local name, key, value = string.match(line, "^%s*([%w_\"'-]+)%.?([%w_-]*)%s*=%s*(.+)$")
			if name then
				name = (if shared then "workspace." else "") .. unquoted(name)
				if key == "" then
					add(found, name, source_of(value))
				elseif table.find(SOURCES, key) then
					add(found, name, if key == "version" then unquoted(value) else `{key} {unquoted(value)}`)
				end
			end
		end
	end
	return found
end

-- The sections of a JSON manifest, an entry a line, as all package managers write them.
local function json(sections)
	return function(text)
		local found, inside = {}, false
		for _, line in lines_of(text) do
			if inside then
				local name, value = string.match(line, '^%s*"([^"]+)"%s*:%s*"([^"]*)"')
				if name then
					-- What lies in the same repository is not in every lockfile.
					local is_local = string.find(value, "^workspace:") or string.find(value, "^file:") or string.find(value, "^link:")
					if not is_local then
						add(found, name, value)
					end
				end
				inside = not string.find(line, "}", 1, true)
			else
				local section = string.match(line, '^%s*"([^"]+)"%s*:%s*{')
				inside = section ~= nil and table.find(sections, section) ~= nil and not string.find(line, "}", 1, true)
			end
		end
		return found
	end
end

-- A requirement of Python: a name and what is wanted of it.
local function requirement(found, text)
	local name, rest = string.match(text, "^%s*([%w][%w._-]*)%s*(.-)%s*$")
	if name then
		-- `requests[socks]` takes more of a package, and what that needs.
		add(found, string.lower((string.gsub(name, "[._]", "-"))), (string.gsub(rest, "%s+", "")))
	end
end

local function python(text)
	local found, section, in_list = {}, "", false
	for _, line in lines_of(text) do
		local header = not in_list and string.match(line, "^%s*%[+([^%[%]]+)%]+%s*#?")
		if header and not string.find(line, "=", 1, true) then
			section = header
			continue
		end
		local key, value = string.match(line, "^%s*([%w_\"'.-]+)%s*=%s*(.+)$")
		if not in_list and key and (string.find(section, "^tool%.poetry.*dependencies$") or section == "tool.uv.sources") then
			local shown = source_of(value)
			add(found, (if section == "tool.uv.sources" then "source of " else "") .. string.lower(unquoted(key)), shown)
			continue
		end
		local is_list = (section == "project" and key == "dependencies")
			or section == "project.optional-dependencies"
			or section == "dependency-groups"
			or (section == "tool.uv" and key == "dev-dependencies")
		if not in_list and is_list and key and string.find(value, "^%[") then
			in_list, line = true, value
		end
		if in_list then
			for quote, entry in string.gmatch(line, "([\"'])(.-)%1") do
				requirement(found, entry)
			end
			-- A `]` of an extra is within quotes.
			in_list = not string.find(string.gsub(line, "[\"'].-[\"']", ""), "]", 1, true)
		end
	end
	return found
end

local function go(text)
	local found, block = {}, nil
	for _, line in lines_of(text) do
		line = string.gsub(line, "%s*//.*$", "")
		local opens = string.match(line, "^(%w+)%s*%($")
		if opens then
			block = opens
		elseif string.find(line, "^%)") then
			block = nil
		else
			local verb, rest = block, line
			if not block then
				verb, rest = string.match(line, "^(%w+)%s+(.+)$")
			end
			if verb == "require" then
				local name, version = string.match(rest, "^%s*(%S+)%s+(v%S+)")
				if name then
					add(found, name, version)
				end
			elseif verb == "replace" then
				local name, by = string.match(rest, "^%s*(%S+).-=>%s*(.+)$")
				if name and not string.find(by, "^%.") then
					add(found, `{name} (replaced)`, by)
				end
			end
		end
	end
	return found
end

local function ruby(text)
	local found = {}
	for _, line in lines_of(text) do
		local name, rest = string.match(line, "^%s*gem%s*%(?%s*[\"']([^\"']+)[\"'](.*)$")
		if name then
			local said = {}
			for version in string.gmatch(string.match(rest, "^[^#]*"), ",%s*[\"']([^\"']+)[\"']") do
				table.insert(said, version)
			end
			for _, key in { "git", "github", "branch", "tag", "ref", "path" } do
				local value = string.match(rest, key .. ":%s*[\"']([^\"']+)") or string.match(rest, ":" .. key .. "%s*=>%s*[\"']([^\"']+)")
				if value then
					table.insert(said, `{key} {value}`)
				end
			end
			add(found, name, table.concat(said, " "))
		end
	end
	return found
end

-- `above`: the text in a manifest by which it is the root of others, whose lockfile then lies there. `knows_wishes`: whether the
-- lockfile repeats what the manifest wishes, so that another wish alone changes it.
local KINDS = {
	["Cargo.toml"] = { read = cargo, locks = { "Cargo.lock" }, above = "[workspace", knows_wishes = false, mend = "cargo check" },
	["package.json"] = {
		read = json({ "dependencies", "devDependencies", "optionalDependencies" }),
		locks = { "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "bun.lockb" },
		above = '"workspaces"',
		above_file = "pnpm-workspace.yaml",
		knows_wishes = true,
		mend = "the package manager's install",
	},
	["pyproject.toml"] = {
		read = python,
		locks = { "poetry.lock", "uv.lock", "pdm.lock" },
		above = "[tool.uv.workspace",
		knows_wishes = true,
		mend = "poetry lock or uv lock",
	},
	["go.mod"] = { read = go, locks = { "go.sum" }, knows_wishes = true, mend = "go mod tidy" },
	["Gemfile"] = { read = ruby, locks = { "Gemfile.lock" }, knows_wishes = true, mend = "bundle install" },
	["composer.json"] = {
		read = json({ "require", "require-dev" }),
		locks = { "composer.lock" },
		knows_wishes = true,
		mend = "composer update",
	},
}

local function join(folder, name)
	return if folder == "" then name else `{folder}/{name}`
end

local function locks_in(folder, kind)
	local found = {}
	for _, lock in kind.locks do
		local path = join(folder, lock)
		if candidate.exists(path) then
			table.insert(found, path)
		end
	end
	return found
end

-- The lockfiles of a manifest: beside it, or beside the root of its workspace. None for a project that keeps none.
local function locks_of(folder, name, kind)
	local found = locks_in(folder, kind)
	local is_root = kind.above and string.find(candidate.read(join(folder, name)) or "", kind.above, 1, true)
	if #found > 0 or not kind.above or is_root then
		return found
	end
	while folder ~= "" do
		folder = string.match(folder, "^(.*)/[^/]*$") or ""
		local text = candidate.read(join(folder, name))
		local holds_others = (text and string.find(text, kind.above, 1, true))
			or (kind.above_file and candidate.exists(join(folder, kind.above_file)))
		if holds_others then
			return locks_in(folder, kind)
		end
	end
	return {}
end

local function sorted(map)
	local keys = {}
	for key in map do
		table.insert(keys, key)
	end
	table.sort(keys)
	return keys
end

-- The added line in which a dependency stands, or else the first one.
local function line_of(path, name)
	local diff = candidate.diff(path)
	local added = if diff then diff.added else {}
	for _, line in added do
		if string.find(string.lower(line.text), string.lower(name), 1, true) then
			return line.number
		end
	end
	return if added[1] then added[1].number else nil
end

return {
	description = "The dependencies in a manifest and its lockfile change together; says which came, went and changed",
	config = {
		["lock-alone"] = {
			enum = { "pass", "warn", "fail" },
			default = "pass",
			description = "The answer where a lockfile changes without its manifest, as an update within bounds does.",
		},
		["new-dependencies"] = {
			enum = { "pass", "warn", "fail" },
			default = "pass",
			description = "The answer where a dependency is new.",
		},
		exclude = {
			type = "array",
			items = { type = "string" },
			default = { "**/node_modules/**", "**/vendor/**", "**/testdata/**" },
			description = "Globs of manifests and lockfiles that are not looked at.",
		},
	},
	check = function()
		local config = candidate.config()
		local changed, manifests, lockfiles = {}, {}, {}
		for _, change in candidate.changes() do
			changed[change.path] = true
			if change.old_path then
				changed[change.old_path] = true
			end
			local folder, name = string.match(change.path, "^(.*)/([^/]*)$")
			folder, name = folder or "", name or change.path
			if KINDS[name] then
				local is_there = change.status ~= "deleted" and (candidate.size(change.path) or MOST + 1) <= MOST
				if is_there and not candidate.matches_any(config.exclude, change.path) then
					table.insert(manifests, { path = change.path, old = change.old_path or change.path, folder = folder, name = name })
				end
			else
				lockfiles[change.path] = change.status ~= "deleted"
			end
		end

		local answer, annotations, first = "pass", {}, nil
		local facts = { added = {}, removed = {}, changed = {} }
		local counts = { added = 0, removed = 0, changed = 0 }
		local function found(says, path, line, message)
			if says ~= "pass" then
				answer = if answer == "fail" then "fail" else says
				first = first or `{if line then `{path}:{line}` else path} {message}`
				local severity = if says == "fail" then "error" else "warning"
				table.insert(annotations, { path = path, line = line, severity = severity, message = message })
			end
		end
		local function list(kind, path, name, what)
			counts[kind] += 1
			if #facts[kind] < LISTED then
				table.insert(facts[kind], { manifest = path, name = name, version = what })
			end
		end

		for _, manifest in manifests do
			local kind = KINDS[manifest.name]
			local before = candidate.read_base(manifest.old)
			local old, new = kind.read(before or ""), kind.read(candidate.read(manifest.path))
			-- Whether the lockfile must change, and whether it may have to.
			local must, may, name_of = false, false, nil
			for _, name in sorted(new) do
				local is_offer = string.find(name, "^workspace%.") ~= nil
				if old[name] == nil then
					list("added", manifest.path, name, new[name])
					if before then
						found(config["new-dependencies"], manifest.path, line_of(manifest.path, name), `needs {name}, which is new`)
					end
				elseif old[name] ~= new[name] then
					list("changed", manifest.path, name, new[name])
				else
					continue
				end
				local is_sure = not is_offer and (old[name] == nil or kind.knows_wishes)
				name_of = if is_sure and not must then name else (name_of or name)
				must, may = must or is_sure, true
			end
			for _, name in sorted(old) do
				if new[name] == nil then
					list("removed", manifest.path, name, old[name])
					local is_sure = not string.find(name, "^workspace%.") and manifest.name ~= "go.mod"
					name_of = name_of or name
					must, may = must or is_sure, true
				end
			end
			-- A new project brings its lockfile along or keeps none.
			if not may then
				continue
			end
			local locks, is_in_step = locks_of(manifest.folder, manifest.name, kind), false
			for _, lock in locks do
				is_in_step = is_in_step or changed[lock] == true
			end
			if #locks > 0 and not is_in_step then
				local line = line_of(manifest.path, (string.gsub(name_of, "^workspace%.", "")))
				local message = `changes {name_of}, and {table.concat(locks, ", ")} stays as it was: run {kind.mend}`
				found(if must then "fail" else "warn", manifest.path, line, message)
			end
		end

		if config["lock-alone"] ~= "pass" then
			for _, path in sorted(lockfiles) do
				local folder, name = string.match(path, "^(.*)/([^/]*)$")
				folder, name = folder or "", name or path
				for manifest, kind in KINDS do
					local is_lock = lockfiles[path] and table.find(kind.locks, name) ~= nil
					-- In a workspace it can be any of the manifests below.
					local prefix, is_alone = if folder == "" then "" else folder .. "/", true
					for _, one in manifests do
						is_alone = is_alone and not (one.name == manifest and string.sub(one.path, 1, #prefix) == prefix)
					end
					if is_lock and is_alone and not candidate.matches_any(config.exclude, path) then
						found(config["lock-alone"], path, nil, `changes without {join(folder, manifest)}`)
					end
				end
			end
		end

		local said = {}
		for _, kind in { "added", "removed", "changed" } do
			local count = counts[kind]
			if count > 0 then
				local names = {}
				for at = 1, math.min(count, 3) do
					table.insert(names, facts[kind][at].name)
				end
				local more = if count > 3 then ` and {count - 3} more` else ""
				table.insert(said, `{kind} {table.concat(names, ", ")}{more}`)
			else
				facts[kind] = nil
			end
		end
		local summary = if #said > 0 then table.concat(said, "; ") else "no dependency changes"
		if first then
			local more = if #annotations > 1 then ` (and {#annotations - 1} more)` else ""
			summary = first .. more
		end
		return { answer = answer, summary = summary, annotations = annotations, facts = facts }
	end,
}
