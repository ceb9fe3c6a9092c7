-- The form is that of https://www.conventionalcommits.org. A Lua pattern of one's own can stand in its place.

-- What a summary names, and what the facts list.
local NAMED, LISTED = 3, 30

-- Text of others, for one line: no line ends, not too long.
local function short(text)
	local clean = string.gsub(text, "%c", " ")
	local cut = if utf8.len(clean) then utf8.offset(clean, 51) else 51
	return if cut and cut <= #clean then string.sub(clean, 1, cut - 1) .. "..." else clean
end

-- Whether a subject begins with a word, in any case. `wipe` does not begin with `wip`.
local function begins_with(subject, word)
	local begin = string.sub(subject, 1, #word)
	if string.lower(begin) ~= string.lower(word) then
		return false
	end
	local is_word = string.find(word, "%w$") ~= nil
	return not (is_word and string.find(subject, "^%w", #word + 1))
end

local function contains(list, value)
	for _, one in list do
		if one == value then
			return true
		end
	end
	return false
end

local function conventional(subject, config)
	local kind, rest = string.match(subject, "^([%w%-]+)(.*)$")
	local scope, bang, text
	if kind then
		scope = string.match(rest, "^%(([^()]+)%)")
		rest = if scope then string.sub(rest, #scope + 3) else rest
		bang, text = string.match(rest, "^(!?): (.*)$")
	end
	if not bang or not string.find(text, "%S") then
		return "is not `type(scope): what it does`"
	end
	-- The convention has types in any case.
	if #config.types > 0 and not contains(config.types, string.lower(kind)) then
		return `has the type \`{short(kind)}\``
	end
	if not scope and config["need-scope"] then
		return `has no scope; write \`{kind}(scope): ...\``
	end
	if scope and #config.scopes > 0 and not contains(config.scopes, scope) then
		return `has the scope \`{short(scope)}\`; known are {table.concat(config.scopes, ", ")}`
	end
	return nil
end

-- What is wrong with a message, or nil.
local function problem(message, config)
	local first, rest = string.match(message, "^([^\n]*)\n?(.*)$")
	local subject = string.match(first, "^.*%S") or ""
	if subject == "" then
		return "has no subject", subject
	end
	for _, word in config.refuse do
		if begins_with(subject, word) then
			local mend = if string.find(word, "!$") then "fold it in by git rebase -i --autosquash" else "finish it"
			return `begins with \`{word}\`: {mend}`, subject
		end
	end
	-- Git itself writes these, around a subject that was fine before, and too long with its quotes.
	if string.find(subject, '^Revert "') or string.find(subject, '^Reapply "') then
		return nil, subject
	end
	if config.pattern ~= "" then
		if not string.find(subject, config.pattern) then
			return `does not match \`{config.pattern}\``, subject
		end
	elseif config.conventional then
		local why = conventional(subject, config)
		if why then
			return why, subject
		end
	end
	local length = utf8.len(subject) or #subject
	local most = config["max-subject"]
	if most > 0 and length > most then
		return `has {length} characters, at most {most} fit; the rest belongs into the body`, subject
	end
	if string.find(rest, "^%s*%S") and not string.find(rest, "^\r?\n") then
		return "has no empty line behind it", subject
	end
	return nil, subject
end

return {
	description = "Commit messages are conventional commits, or match a pattern; no fixup! or WIP is left",
	config = {
		conventional = {
			type = "boolean",
			default = true,
			description = "Whether a subject must be `type(scope): text`.",
		},
		types = {
			type = "array",
			items = { type = "string" },
			default = { "build", "chore", "ci", "docs", "feat", "fix", "perf", "refactor", "revert", "style", "test" },
			description = "The types that are known; none for any.",
		},
		scopes = {
			type = "array",
			items = { type = "string" },
			default = {},
			description = "The scopes that are known; none for any.",
		},
		["need-scope"] = {
			type = "boolean",
			default = false,
			description = "Whether a subject must have a scope.",
		},
		["max-subject"] = {
			type = "integer",
			minimum = 0,
			default = 72,
			description = "The most characters of a subject; 0 for no limit.",
		},
		pattern = {
			type = "string",
			default = "",
			description = "A Lua pattern that a subject must match, in place of the conventional form.",
		},
		refuse = {
			type = "array",
			items = { type = "string" },
			default = { "fixup!", "squash!", "amend!", "WIP", "[WIP]" },
			description = "What no subject may begin with, in any case.",
		},
	},
	check = function()
		local config = candidate.config()
		local is_pattern, why = pcall(string.find, "", config.pattern)
		if not is_pattern then
			error(`config: \`pattern\` is no Lua pattern: {why}`, 0)
		end
		local seen, count, bad, said = 0, 0, {}, {}
		for _, commit in candidate.commits() do
			-- The message of a merge is git's.
			if #commit.parents > 1 then
				continue
			end
			seen += 1
			local reason, subject = problem(commit.message, config)
			if reason then
				count += 1
				local id = string.sub(commit.id, 1, 10)
				if count <= LISTED then
					table.insert(bad, { commit = id, subject = short(subject), problem = reason })
				end
				if count <= NAMED then
					table.insert(said, if subject == "" then `{id} {reason}` else `{id} "{short(subject)}" {reason}`)
				end
			end
		end
		if count == 0 then
			local what = if seen == 1 then "1 message is" else `{seen} messages are`
			return { answer = "pass", summary = `{what} well formed`, facts = { commits = seen } }
		end
		if count > NAMED then
			table.insert(said, `and {count - NAMED} more`)
		end
		local types = if config.pattern == "" and config.conventional and #config.types > 0
			then `. Types are {table.concat(config.types, ", ")}`
			else ""
		return {
			answer = "fail",
			summary = `{table.concat(said, "; ")}{types}. Reword by git rebase -i {short(candidate.target())}`,
			facts = { commits = seen, bad = bad },
		}
	end,
}
