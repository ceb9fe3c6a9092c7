-- Signed-off-by is that of https://developercertificate.org. Depends-On is read by the planner: `plan create` refuses what names
-- no item, no branch and nothing that has landed. Here no other item is in sight, so only the shape of a value is looked at.

-- What a summary names, and what the facts list.
local NAMED, LISTED = 3, 30

local function trim(text)
	local from = string.find(text, "%S")
	return if from then string.match(text, "^.*%S", from) else ""
end

local function quoted(text)
	return "`" .. string.sub(string.gsub(text, "%c", " "), 1, 60) .. "`"
end

-- The values of a trailer; its name is written in any case.
local function values(commit, name)
	local found = {}
	for _, trailer in commit.trailers do
		if string.lower(trailer.name) == string.lower(name) then
			table.insert(found, trailer.value)
		end
	end
	return found
end

-- Whether a line of the message looks like such a trailer, wherever it stands.
local function has_line(message, name)
	return string.find("\n" .. string.lower(message), "\n" .. string.lower(name) .. ":", 1, true) ~= nil
end

local function sign_off(commit)
	local author = string.lower(commit.author.email)
	local signed = values(commit, "Signed-off-by")
	for _, value in signed do
		local mail = string.match(value, "<([^<>]*)>")
		if mail and string.lower(trim(mail)) == author then
			return nil
		end
	end
	if #signed > 0 then
		return `is signed off, but not by its author {commit.author.name} <{commit.author.email}>`
	end
	if has_line(commit.message, "Signed-off-by") then
		return "has its Signed-off-by outside of the last paragraph, where no trailer is read"
	end
	return "has no Signed-off-by of its author"
end

-- The number of a pull request, however it is written: `#12`, `PR-12`, `pr/12`, `pull/12`, `12`, or its page.
local function number_of(name)
	local page = string.match(name, "^https?://[^?#]+")
	if page then
		page = string.match(page, "^.*[^/]")
		return string.match(page, "/pulls?/(%d+)$") or string.match(page, "/merge_requests/(%d+)$")
	end
	local lower = string.lower(name)
	return string.match(lower, "^#?(%d+)$") or string.match(lower, "^pr[-/](%d+)$") or string.match(lower, "^pull/(%d+)$")
end

local function is_name(name)
	if string.find(name, "^https?://%S+$") or string.find(name, "^#%d+$") or string.find(name, "^[^#%s]+/[^#%s]+#%d+$") then
		return true
	end
	-- What git takes for no name of a branch.
	if string.find(name, "[%c%s~^:?*%[\\#]") or string.find(name, "..", 1, true) or string.find(name, "@{", 1, true) then
		return false
	end
	return not (string.find(name, "^[/.-]") or string.find(name, "[/.]$") or string.find(name, "//", 1, true))
end

-- What is wrong with one value, or nil.
local function dependency(name, item)
	if name == "" then
		return "has a Depends-On without a name in it"
	end
	-- No path that git writes is as long.
	if #name > 255 then
		return `depends on {quoted(name)}..., which is too long for a name`
	end
	if string.find(name, "%s") then
		return `depends on {quoted(name)}: put commas between names`
	end
	if not is_name(name) then
		return `depends on {quoted(name)}, which can be no item, branch or pull request`
	end
	local number = number_of(name)
	if name == item or (number and number == number_of(item)) then
		return `depends on {quoted(name)}, which is the item itself`
	end
	return nil
end

local function depends_on(commit, item, add)
	for _, value in values(commit, "Depends-On") do
		for _, name in string.split(value, ",") do
			local why = dependency(trim(name), item)
			if why then
				add("fail", why)
			end
		end
	end
	-- The planner would pass over these in silence.
	for _, trailer in commit.trailers do
		local letters = string.gsub(string.lower(trailer.name), "[^%a]", "")
		if (letters == "dependson" or letters == "dependon") and string.lower(trailer.name) ~= "depends-on" then
			add("warn", `has a trailer {quoted(trailer.name)}, which nothing reads: write Depends-On`)
		end
	end
	if #values(commit, "Depends-On") == 0 and has_line(commit.message, "Depends-On") then
		add("warn", "has its Depends-On outside of the last paragraph, where nothing reads it")
	end
end

local function is_exempt(commit, exempt)
	for _, mail in exempt do
		if string.lower(mail) == string.lower(commit.author.email) then
			return true
		end
	end
	return false
end

return {
	description = "Commits are signed off by their authors, have the trailers they need, and name dependencies in a way that is read",
	config = {
		["sign-off"] = {
			type = "boolean",
			default = true,
			description = "Whether each commit must be signed off by its author (DCO).",
		},
		exempt = {
			type = "array",
			items = { type = "string" },
			default = {},
			description = "Mail addresses of authors, such as bots, who need neither a sign-off nor a required trailer.",
		},
		required = {
			type = "array",
			items = { type = "string" },
			default = {},
			description = "Trailers that must be there, such as Ticket.",
		},
		["required-in"] = {
			enum = { "each", "any" },
			default = "each",
			description = "Whether a required trailer must be in each commit or in any one of the item.",
		},
		patterns = {
			type = "object",
			additionalProperties = { type = "string" },
			default = {},
			description = "Lua patterns that the values of trailers must match, by the trailer's name.",
		},
		["depends-on"] = {
			type = "boolean",
			default = true,
			description = "Whether Depends-On is looked at.",
		},
	},
	check = function()
		local config = candidate.config()
		for name, pattern in config.patterns do
			local is_pattern, why = pcall(string.find, "", pattern)
			if not is_pattern then
				error(`config: the pattern of \`{name}\` is no Lua pattern: {why}`, 0)
			end
		end
		local item, answer, seen, count = candidate.item(), "pass", 0, 0
		local said, listed, unsigned, missing = {}, {}, false, {}
		for _, name in config.required do
			missing[name] = true
		end
		local function found(id, what, why)
			answer = if answer == "fail" then "fail" else what
			count += 1
			if count <= NAMED then
				table.insert(said, if id == "" then why else `{id} {why}`)
			end
			if count <= LISTED then
				table.insert(listed, { commit = id, problem = why })
			end
		end
		for _, commit in candidate.commits() do
			-- Git writes the message of a merge, and nobody's work is in it.
			if #commit.parents > 1 then
				continue
			end
			seen += 1
			local id = string.sub(commit.id, 1, 10)
			local exempt = is_exempt(commit, config.exempt)
			local why = if config["sign-off"] and not exempt then sign_off(commit) else nil
			if why then
				unsigned = true
				found(id, "fail", why)
			end
			for _, name in config.required do
				if #values(commit, name) > 0 then
					missing[name] = nil
				elseif config["required-in"] == "each" and not exempt then
					found(id, "fail", `has no trailer {name}`)
				end
			end
			for name, pattern in config.patterns do
				for _, value in values(commit, name) do
					if not string.find(value, pattern) then
						found(id, "fail", `has {name}: {quoted(value)}, which does not match \`{pattern}\``)
					end
				end
			end
			if config["depends-on"] then
				depends_on(commit, item, function(what, problem)
					found(id, what, problem)
				end)
			end
		end
		if config["required-in"] == "any" and seen > 0 then
			for _, name in config.required do
				if missing[name] then
					found("", "fail", `no commit has the trailer {name}`)
				end
			end
		end

		local facts = { commits = seen, problems = if #listed > 0 then listed else nil }
		if count == 0 then
			local what = if seen == 1 then "1 commit has" else `{seen} commits have`
			return { answer = "pass", summary = `{what} the trailers that it needs`, facts = facts }
		end
		if count > NAMED then
			table.insert(said, `and {count - NAMED} more`)
		end
		local mend = if unsigned then `. Sign off by git rebase --signoff {candidate.target()}` else ". Reword by git rebase -i"
		return { answer = answer, summary = table.concat(said, "; ") .. mend, facts = facts }
	end,
}
