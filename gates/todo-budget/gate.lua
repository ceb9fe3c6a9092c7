-- Work that is put off is counted by the lines that the item adds and removes, so that the size of the repository does not matter. Only
-- a budget for all of it makes the gate read every file.

-- In larger files there is data, and lines enough of it to fill the memory.
local MOST = 4 * 1024 * 1024

-- Most texts hold no such word, and that is known far sooner of many at once: so many bytes of them.
local LOT = 1024 * 1024

-- How often a word stands in a text on its own: not within a longer word, and not as the name of a call, as in Go's context.TODO().
local function count_of(text, word)
	local count, from, to = 0, string.find(text, word, 1, true)
	while from do
		local before, after = string.sub(text, from - 1, from - 1), string.sub(text, to + 1, to + 1)
		if (from == 1 or not string.find(before, "[%w_.]")) and not string.find(after, "[%w_]") then
			count += 1
		end
		from, to = string.find(text, word, to + 1, true)
	end
	return count
end

local function count_all(text, words)
	local count = 0
	for _, word in words do
		count += count_of(text, word)
	end
	return count
end

local function has_issue(text, patterns)
	for _, pattern in patterns do
		if string.find(text, pattern) then
			return true
		end
	end
	return false
end

local function total(config)
	local seen, count = {}, 0
	for _, glob in config.files do
		for _, path in candidate.files(glob) do
			if seen[path] or candidate.matches_any(config.exclude, path) then
				continue
			end
			seen[path] = true
			local size = candidate.size(path)
			if size and size <= MOST then
				count += count_all(candidate.read(path), config.words)
			end
		end
	end
	return count
end

return {
	description = "The TODOs do not grow",
	config = {
		words = {
			type = "array",
			items = { type = "string", minLength = 1 },
			default = { "TODO", "FIXME", "XXX" },
			description = "The words that are counted, as they are written.",
		},
		["max-growth"] = {
			type = "integer",
			minimum = -1,
			default = 0,
			description = "By how many an item may make them more; -1 for any number.",
		},
		budget = {
			type = "integer",
			minimum = -1,
			default = -1,
			description = "How many there may be in all; -1 for no budget. Where there are more, an item must not add to them. Reads every file.",
		},
		["need-issue"] = {
			type = "boolean",
			default = false,
			description = "Whether a new one must name an issue in its line.",
		},
		["issue-patterns"] = {
			type = "array",
			items = { type = "string" },
			default = { "#%d+", "%f[%w]%u[%u%d]+%-%d+", "https?://%S+" },
			description = "Lua patterns of what names an issue.",
		},
		files = {
			type = "array",
			items = { type = "string" },
			default = { "**" },
			description = "Globs of files that are looked at.",
		},
		exclude = {
			type = "array",
			items = { type = "string" },
			default = {},
			description = "Globs of files that are not.",
		},
	},
	check = function()
		local config = candidate.config()
		for _, pattern in config["issue-patterns"] do
			if not pcall(string.find, "", pattern) then
				error(`config: \`{pattern}\` is no Lua pattern`, 0)
			end
		end
		local added, removed, nameless = 0, 0, 0
		local places, without = {}, {}
		local function count_lines(path)
			for _, line in candidate.diff(path).added do
				local count = count_all(line.text, config.words)
				if count > 0 then
					added += count
					table.insert(places, { path = path, line = line.number, message = "put off by this item" })
					if config["need-issue"] and not has_issue(line.text, config["issue-patterns"]) then
						nameless += 1
						table.insert(without, { path = path, line = line.number, message = "names no issue" })
					end
				end
			end
		end
		local paths, news, olds, size = {}, {}, {}, 0
		local function count_lot()
			removed += count_all(table.concat(olds), config.words)
			-- Line by line only where the whole has one.
			if count_all(table.concat(news), config.words) > 0 then
				for at, path in paths do
					if count_all(news[at], config.words) > 0 then
						count_lines(path)
					end
				end
			end
			paths, news, olds, size = {}, {}, {}, 0
		end
		for _, change in candidate.changes() do
			if not candidate.matches_any(config.files, change.path) or candidate.matches_any(config.exclude, change.path) then
				continue
			end
			local text = candidate.added_text(change.path)
			if text then
				table.insert(paths, change.path)
				table.insert(news, text)
				table.insert(olds, candidate.removed_text(change.path))
				size += #text + #olds[#olds]
			elseif (candidate.size(change.path) or 0) > MOST then
				log.warn(`{change.path} is too large to be looked at`)
			end
			if size > LOT then
				count_lot()
			end
		end
		count_lot()

		local growth = added - removed
		local facts = { added = added, removed = removed }
		local function no(summary, annotations)
			return { answer = "fail", summary = summary, annotations = annotations, facts = facts }
		end
		if nameless > 0 then
			local more = if nameless > 1 then ` and {nameless - 1} more` else ""
			return no(`{without[1].path}:{without[1].line}{more} names no issue: write it into the line, such as TODO(#12)`, without)
		end
		local words = table.concat(config.words, ", ")
		local most = config["max-growth"]
		if most >= 0 and growth > most then
			local limit = if most == 0 then "none may be" else `at most {most} may be`
			return no(`{growth} more of {words}, the first in {places[1].path}:{places[1].line}; {limit}: finish one, or open an issue instead`, places)
		end
		if config.budget >= 0 then
			facts.total = total(config)
			if facts.total > config.budget and growth > 0 then
				return no(`{facts.total} of {words} in all, the budget is {config.budget}: finish {facts.total - config.budget} first`, places)
			end
		end
		local what = if growth > 0 then `{growth} more` elseif growth < 0 then `{-growth} fewer` else "no more"
		return { answer = "pass", summary = `{what} of {words}`, facts = facts }
	end,
}
