-- Files that nobody should add by accident, or that only some may change. A rename is taken as what it is: one file gone, one new.

local WHAT_OF = { added = "add", modified = "change", deleted = "delete" }
local DONE = { add = "added", change = "changed", delete = "deleted" }

local function contains(list, value)
	for _, one in list do
		if one == value then
			return true
		end
	end
	return false
end

-- What was done to which path.
local function deeds()
	local list = {}
	for _, change in candidate.changes() do
		if change.status == "renamed" then
			table.insert(list, { what = "delete", path = change.old_path })
			table.insert(list, { what = "add", path = change.path })
		else
			table.insert(list, { what = WHAT_OF[change.status], path = change.path })
		end
	end
	return list
end

-- Whether all authors of the item are among those who may. No commit says which of its files are whose, so one stranger is enough
-- for a no.
local function may(who, authors)
	local named = {}
	for _, mail in who do
		named[string.lower(mail)] = true
	end
	for _, author in authors do
		if not named[author] then
			return false
		end
	end
	return #authors > 0
end

local function authors_of_item()
	local list, seen = {}, {}
	for _, commit in candidate.commits() do
		local mail = string.lower(commit.author.email)
		if not seen[mail] then
			seen[mail] = true
			table.insert(list, mail)
		end
	end
	return list
end

return {
	description = "Nobody adds, changes or deletes a file that they may not",
	config = {
		rules = {
			type = "array",
			items = {
				type = "object",
				additionalProperties = false,
				required = { "paths" },
				properties = {
					paths = { type = "array", items = { type = "string" }, description = "Globs of files." },
					except = { type = "array", items = { type = "string" }, description = "Globs of files among them that are free." },
					on = {
						type = "array",
						items = { enum = { "add", "change", "delete" } },
						description = "What may not be done; all three where it is not said.",
					},
					who = { type = "array", items = { type = "string" }, description = "Mail addresses of authors who may." },
					why = { type = "string", description = "Words for whoever meets the rule." },
				},
			},
			default = {
				{
					paths = {
						"**/.DS_Store",
						"**/Thumbs.db",
						"**/*.orig",
						"**/*.rej",
						"**/*.swp",
						"**/__pycache__/**",
						"**/node_modules/**",
						"**/.env",
					},
					on = { "add" },
					why = "programs leave such files behind: name it in .gitignore",
				},
			},
			description = "Each names files, what may not be done to them, and who may all the same.",
		},
	},
	check = function()
		local rules = candidate.config().rules
		local list, authors = deeds(), nil
		local annotations, count, first, why = {}, 0, nil, nil
		for _, rule in rules do
			for _, deed in list do
				if rule.on and not contains(rule.on, deed.what) then
					continue
				end
				if not candidate.matches_any(rule.paths, deed.path) or candidate.matches_any(rule.except or {}, deed.path) then
					continue
				end
				authors = authors or authors_of_item()
				if rule.may == nil then
					rule.may = may(rule.who or {}, authors)
				end
				if rule.may then
					continue
				end
				count += 1
				first, why = first or deed, why or rule.why
				local reason = if rule.why then `: {rule.why}` else ""
				table.insert(annotations, { path = deed.path, message = `may not be {DONE[deed.what]}{reason}` })
			end
		end
		if count == 0 then
			return { answer = "pass", summary = "no forbidden path is touched" }
		end
		local more = if count > 1 then ` and {count - 1} more` else ""
		local reason = if why then `: {why}` else `; take it out of the item, or ask someone who may`
		return {
			answer = "fail",
			summary = `{first.path} may not be {DONE[first.what]}{more}{reason}`,
			annotations = annotations,
			facts = { paths = count },
		}
	end,
}
