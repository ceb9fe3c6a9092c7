-- A merge of the target into an item is harmless, only noise. A merge of another branch brings that branch along, unseen by the plan,
-- which can then neither order nor leave it out.

local NAMED = 3

local LEFTOVERS = { "fixup!", "squash!", "amend!" }

local function short(text)
	local clean = string.gsub(string.match(text, "^[^\n]*"), "%c", " ")
	local cut = if utf8.len(clean) then utf8.offset(clean, 51) else 51
	return if cut and cut <= #clean then string.sub(clean, 1, cut - 1) .. "..." else clean
end

return {
	description = "The history of an item has no merges but those that the policy allows, and no fixup! commits",
	config = {
		policy = {
			enum = { "none", "only-target", "any" },
			default = "only-target",
			description = "Which merges an item may have: none, those of what the target holds, or any.",
		},
		fixups = {
			enum = { "fail", "warn", "pass" },
			default = "fail",
			description = "The answer where a commit is a fixup!, squash! or amend! of another.",
		},
	},
	check = function()
		local config = candidate.config()
		local commits, own = candidate.commits(), {}
		for _, commit in commits do
			own[commit.id] = true
		end
		local merges, bad, fixups = 0, {}, {}
		for _, commit in commits do
			local words = `{string.sub(commit.id, 1, 10)} "{short(commit.message)}"`
			if #commit.parents > 1 then
				merges += 1
				-- What the target holds is not among the item's own commits. Two parents that are make it a merge of another branch.
				local count = 0
				for _, parent in commit.parents do
					count += if own[parent] then 1 else 0
				end
				if config.policy == "none" or (config.policy == "only-target" and count > 1) then
					table.insert(bad, words)
				end
			end
			for _, word in LEFTOVERS do
				if string.sub(commit.message, 1, #word) == word then
					table.insert(fixups, words)
				end
			end
		end

		local function some(list)
			local named = table.concat(list, ", ", 1, math.min(#list, NAMED))
			return if #list > NAMED then `{named} and {#list - NAMED} more` else named
		end
		local facts = { commits = #commits, merges = merges, fixups = #fixups }
		local said, answer = {}, "pass"
		if #bad > 0 then
			answer = "fail"
			local mend = if config.policy == "none"
				then `git rebase {candidate.target()} takes it out`
				else "plan that branch as an item, name it by Depends-On and rebase"
			table.insert(said, `merges that may not be: {some(bad)}; {mend}`)
		end
		if #fixups > 0 and config.fixups ~= "pass" then
			answer = if answer == "fail" then "fail" else config.fixups
			table.insert(said, `not folded in: {some(fixups)}; git rebase -i --autosquash {candidate.target()} does it`)
		end
		if #said == 0 then
			local what = if merges == 1 then "1 merge" else `{merges} merges`
			table.insert(said, `{what} among {#commits} {if #commits == 1 then "commit" else "commits"}`)
		end
		return { answer = answer, summary = table.concat(said, ". "), facts = facts }
	end,
}
