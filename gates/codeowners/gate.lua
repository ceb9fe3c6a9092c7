-- GitHub's CODEOWNERS: https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners
-- It is read from the base, so that no item makes itself the owner of what it changes.

-- What a summary names, and what the facts list.
local NAMED, LISTED = 3, 30

-- A pattern as a function of a path, or nil where GitHub passes over the line. Most patterns are a folder, a name or a suffix,
-- for which comparing text does; the others are made globs.
local function matcher(pattern)
	if string.find(pattern, "^!") or string.find(pattern, "[%[%]]") or string.find(pattern, "***", 1, true) or pattern == "/" then
		return nil
	end
	local body = string.gsub(pattern, "^/", "")
	local is_folder = string.sub(body, -1) == "/"
	body = string.gsub(body, "/$", "")
	-- A pattern with a slash that is not its last sign starts at the root; any other is found in every folder.
	local is_anchored = string.sub(pattern, 1, 1) == "/" or string.find(body, "/", 1, true) ~= nil
	local plain = string.gsub(body, "\\(.)", "%1")

	if body == "*" and not is_folder and not is_anchored then
		return function()
			return true
		end
	end
	if not string.find(body, "[*?]") then
		if is_anchored then
			local folder = plain .. "/"
			return function(path)
				return (path == plain and not is_folder) or string.sub(path, 1, #folder) == folder
			end
		end
		local folder, file = "/" .. plain .. "/", "/" .. plain
		return function(path)
			local rooted = "/" .. path
			return string.find(rooted, folder, 1, true) ~= nil or (not is_folder and string.sub(rooted, -#file) == file)
		end
	end
	if not is_anchored and not is_folder and string.find(body, "^%*%.[%w._-]+$") then
		local suffix = string.sub(body, 2)
		return function(path)
			-- A folder of such a name owns what is in it.
			return string.sub(path, -#suffix) == suffix or string.find(path, suffix .. "/", 1, true) ~= nil
		end
	end

	local glob = if is_anchored then body else "**/" .. body
	local last = string.match(body, "[^/]*$")
	local globs = { glob, glob .. "/**" }
	if is_folder or last == "**" then
		globs = { if last == "**" then glob else glob .. "/**" }
	elseif last == "*" then
		-- As opposed to .gitignore, `docs/*` is only what lies in docs itself.
		globs = { glob }
	end
	local fixed = if is_anchored then string.match(body, "^[^*?\\]*") else ""
	return function(path)
		return string.sub(path, 1, #fixed) == fixed and candidate.matches_any(globs, path)
	end
end

-- The first word of a line, in which `\ ` is a blank, and what is behind it.
local function split(line)
	local from = 1
	while true do
		local blank = string.find(line, "%s", from)
		if not blank then
			return line, ""
		end
		if string.sub(line, blank - 1, blank - 1) ~= "\\" then
			return string.sub(line, 1, blank - 1), string.sub(line, blank + 1)
		end
		from = blank + 1
	end
end

local function parse(text)
	local rules = {}
	for number, line in string.split(text, "\n") do
		local from = string.find(line, "%S")
		line = if from then string.match(line, "^.*%S", from) else ""
		if line == "" or string.sub(line, 1, 1) == "#" then
			continue
		end
		local pattern, rest = split(line)
		local matches, owners, is_good = matcher(pattern), {}, true
		for owner in string.gmatch(rest, "%S+") do
			if string.sub(owner, 1, 1) == "#" then
				break
			end
			is_good = is_good and string.find(owner, "@", 1, true) ~= nil
			table.insert(owners, owner)
		end
		if matches and is_good then
			table.insert(rules, { matches = matches, owners = owners, line = number })
		else
			log.warn(`line {number} of CODEOWNERS is passed over, as GitHub does`)
		end
	end
	return rules
end

local function rule_of(rules, path)
	-- The last rule that matches counts.
	for at = #rules, 1, -1 do
		if rules[at].matches(path) then
			return rules[at]
		end
	end
	return nil
end

-- Everybody who stands for the item: mail addresses and handles, in small letters.
local function approvers(config)
	local wanted = {}
	for _, name in config.trailers do
		wanted[string.lower(name)] = true
	end
	local found, authors = {}, {}
	for _, commit in candidate.commits() do
		authors[string.lower(commit.author.email)] = true
		for _, trailer in commit.trailers do
			if wanted[string.lower(trailer.name)] then
				-- Nobody is called longer, and a search in a text without end would take as long.
				local value = string.sub(trailer.value, 1, 255)
				local mail = string.match(value, "<%s*([^<>%s]+)%s*>") or string.match(value, "%S*@%S+")
				found[string.lower(mail or value)] = true
			end
		end
	end
	for mail in authors do
		-- Praise of one's own is no approval.
		found[mail] = if config["author-counts"] then true else nil
	end
	return found, authors
end

local function has_approved(owner, found, authors, config, handles)
	local mails = handles[string.lower(owner)] or {}
	-- A handle that stands for the author alone does not make another of them.
	local is_author = false
	for _, mail in mails do
		if found[mail] then
			return true
		end
		is_author = is_author or authors[mail]
	end
	return found[string.lower(owner)] == true and (config["author-counts"] or not is_author)
end

return {
	description = "An owner that CODEOWNERS names has approved each changed file",
	config = {
		files = {
			type = "array",
			items = { type = "string" },
			default = { ".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS" },
			description = "Where owners are written down; the first of these that the base has counts.",
		},
		trailers = {
			type = "array",
			items = { type = "string" },
			default = { "Reviewed-by", "Acked-by", "Approved-by" },
			description = "The trailers by which an owner approves.",
		},
		handles = {
			type = "object",
			additionalProperties = { type = "array", items = { type = "string" } },
			default = {},
			description = "The mail addresses behind each handle, such as \"@org/team\".",
		},
		["author-counts"] = {
			type = "boolean",
			default = true,
			description = "Whether an author who is an owner needs no other one.",
		},
	},
	check = function()
		local config = candidate.config()
		local name, text
		for _, file in config.files do
			text = candidate.read_base(file)
			if text then
				name = file
				break
			end
		end
		if not text then
			return { answer = "pass", summary = `the base has no {table.concat(config.files, ", ")}: no file has an owner` }
		end
		local handles = {}
		for handle, mails in config.handles do
			local list = {}
			for _, mail in mails do
				table.insert(list, string.lower(mail))
			end
			handles[string.lower(handle)] = list
		end

		local rules = parse(text)
		local found, authors = approvers(config)
		local verdicts, annotations, said, listed = {}, {}, {}, {}
		local owned, missing, unknown = 0, 0, nil
		local function look_at(path, at)
			local rule = rule_of(rules, path)
			if not rule or #rule.owners == 0 then
				return
			end
			owned += 1
			local state = verdicts[rule.line]
			if not state then
				state = { approved = false, count = 0, first = path, rule = rule }
				for _, owner in rule.owners do
					state.approved = state.approved or has_approved(owner, found, authors, config, handles)
				end
				verdicts[rule.line] = state
				if not state.approved then
					missing += 1
					table.insert(said, state)
					for _, owner in rule.owners do
						if string.sub(owner, 1, 1) == "@" and not handles[string.lower(owner)] then
							unknown = unknown or owner
						end
					end
				end
			end
			if not state.approved then
				state.count += 1
				local message = `owned by {table.concat(rule.owners, ", ")} ({name}:{rule.line}), who did not approve`
				table.insert(annotations, { path = at, message = message })
			end
		end
		for _, change in candidate.changes() do
			look_at(change.path, change.path)
			-- Who moves a file away takes it from its owner.
			if change.old_path then
				look_at(change.old_path, change.path)
			end
		end

		if missing == 0 then
			local what = if owned == 0 then "no changed file has an owner" else `owners approved {owned} of {owned} owned files`
			return { answer = "pass", summary = what, facts = { owned = owned } }
		end
		local words = {}
		for at, state in said do
			if at <= NAMED then
				local more = if state.count > 1 then ` and {state.count - 1} more` else ""
				table.insert(words, `{state.first}{more} must be approved by {table.concat(state.rule.owners, " or ")} ({name}:{state.rule.line})`)
			end
			if at <= LISTED then
				table.insert(listed, { line = state.rule.line, owners = state.rule.owners, files = state.count })
			end
		end
		if missing > NAMED then
			table.insert(words, `and {missing - NAMED} more rules`)
		end
		local mend = `add a trailer such as {config.trailers[1] or "Reviewed-by"}: Name <mail>`
		local hint = if unknown then `; \`handles\` says no mail of {unknown}` else ""
		return {
			answer = "fail",
			summary = `{table.concat(words, "; ")}: {mend}{hint}`,
			annotations = annotations,
			facts = { owned = owned, missing = listed },
		}
	end,
}
