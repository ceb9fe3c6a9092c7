-- What is too large to read is not reviewed. Lockfiles are written by a program, and nobody reads those anyway.

local LARGEST = 5

local function plural(count, word)
	return if count == 1 then `1 {word}` else `{count} {word}s`
end

return {
	description = "An item changes no more lines and files than a person can review",
	config = {
		["max-lines"] = {
			type = "integer",
			minimum = 0,
			default = 1000,
			description = "The added and removed lines together that an item may have; 0 for no limit.",
		},
		["warn-lines"] = {
			type = "integer",
			minimum = 0,
			default = 500,
			description = "From more lines than this on there is a warning; 0 for none.",
		},
		["max-files"] = {
			type = "integer",
			minimum = 0,
			default = 100,
			description = "The files that an item may change; 0 for no limit.",
		},
		["count-removed"] = {
			type = "boolean",
			default = true,
			description = "Whether removed lines count too.",
		},
		exclude = {
			type = "array",
			items = { type = "string" },
			default = {
				"**/Cargo.lock",
				"**/Gemfile.lock",
				"**/composer.lock",
				"**/go.sum",
				"**/package-lock.json",
				"**/npm-shrinkwrap.json",
				"**/pnpm-lock.yaml",
				"**/poetry.lock",
				"**/uv.lock",
				"**/yarn.lock",
			},
			description = "Globs of files that do not count.",
		},
	},
	check = function()
		local config = candidate.config()
		local facts = { files = 0, added = 0, removed = 0, ["left-out"] = 0 }
		local sizes = {}
		for _, change in candidate.changes() do
			if candidate.matches_any(config.exclude, change.path) then
				facts["left-out"] += 1
				continue
			end
			facts.files += 1
			-- A binary file has no lines to read, and still is a file.
			local counts = candidate.diff_counts(change.path)
			if counts then
				facts.added += counts.added
				facts.removed += counts.removed
				local lines = counts.added + if config["count-removed"] then counts.removed else 0
				table.insert(sizes, { path = change.path, lines = lines, is_gone = change.status == "deleted" })
			end
		end

		local lines = facts.added + if config["count-removed"] then facts.removed else 0
		local what = `{plural(lines, "line")} in {plural(facts.files, "file")}`
		local most_lines, most_files, warn = config["max-lines"], config["max-files"], config["warn-lines"]
		local many_lines = most_lines > 0 and lines > most_lines
		local many_files = most_files > 0 and facts.files > most_files
		local is_large = warn > 0 and lines > warn
		if not (many_lines or many_files or is_large) then
			return { answer = "pass", summary = what, facts = facts }
		end

		table.sort(sizes, function(a, b)
			return if a.lines == b.lines then a.path < b.path else a.lines > b.lines
		end)
		local is_bad = many_lines or many_files
		local annotations = {}
		for _, size in sizes do
			if #annotations == LARGEST or size.lines == 0 then
				break
			end
			-- There is nothing to point at in a file that is gone.
			if not size.is_gone then
				local severity = if is_bad then "error" else "warning"
				table.insert(annotations, { path = size.path, severity = severity, message = plural(size.lines, "changed line") })
			end
		end
		local largest = if sizes[1] then ` (most in {sizes[1].path}: {sizes[1].lines})` else ""
		local limit = if many_lines
			then `at most {plural(most_lines, "line")} may change`
			elseif many_files then `at most {plural(most_files, "file")} may change`
			else `more than {warn} lines are hard to review`
		return {
			answer = if is_bad then "fail" else "warn",
			summary = `{what}{largest}, {limit}: split it, one part on the other by Depends-On, or leave generated files out by \`exclude\``,
			annotations = annotations,
			facts = facts,
		}
	end,
}
