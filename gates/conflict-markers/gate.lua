-- The check that is always on looks for `<<<<<<<` and `>>>>>>>`. This one can be told what to leave out, and points at every line of
-- a conflict that was committed, the two in the middle as well.

-- The sign that a line is made of: that many of one character, and then nothing or a blank, as git writes them.
local function sign_of(text, size)
	local sign = string.sub(text, 1, 1)
	if sign ~= "<" and sign ~= ">" and sign ~= "=" and sign ~= "|" then
		return nil
	end
	if string.sub(text, 1, size) ~= string.rep(sign, size) then
		return nil
	end
	local rest = string.sub(text, size + 1)
	if sign == "=" then
		-- Git puts nothing behind the line between the sides, but for a carriage return in a file that has those.
		return if rest == "" or rest == "\r" then sign else nil
	end
	return if rest == "" or string.find(rest, "^%s") then sign else nil
end

-- The markers among added lines. A line of `=` underlines headings and a line of `|` draws tables, so that they count only beside
-- a marker that can be nothing else.
local function markers(lines, size)
	local found, waiting, is_open = {}, nil, false
	for _, line in lines do
		local sign = sign_of(line.text, size)
		if sign == "<" then
			is_open, waiting = true, nil
			table.insert(found, line)
		elseif sign == ">" then
			if waiting then
				table.insert(found, waiting)
			end
			is_open, waiting = false, nil
			table.insert(found, line)
		elseif sign and is_open then
			table.insert(found, line)
		elseif sign == "=" then
			waiting = line
		end
	end
	return found
end

return {
	description = "No line that the item adds is a conflict marker, diff3's among them",
	config = {
		exclude = {
			type = "array",
			items = { type = "string" },
			default = {},
			description = "Globs of files that may hold markers, such as test data.",
		},
		["marker-size"] = {
			type = "integer",
			minimum = 1,
			default = 7,
			description = "The length of a marker, as the attribute conflict-marker-size has it.",
		},
	},
	check = function()
		local config = candidate.config()
		local size = config["marker-size"]
		local opens, closes = string.rep("<", size), string.rep(">", size)
		local annotations, count, first, files = {}, 0, nil, 0
		for _, change in candidate.changes() do
			if change.status == "deleted" or candidate.matches_any(config.exclude, change.path) then
				continue
			end
			-- None of a file of more than 4 MiB: the check that is always on reads those.
			local text = candidate.added_text(change.path) or ""
			if not (string.find(text, opens, 1, true) or string.find(text, closes, 1, true)) then
				continue
			end
			local found = markers(candidate.diff(change.path).added, size)
			files += if #found > 0 then 1 else 0
			for _, line in found do
				count += 1
				first = first or `{change.path}:{line.number}`
				local sign = string.sub(line.text, 1, size)
				table.insert(annotations, { path = change.path, line = line.number, message = `conflict marker \`{sign}\`` })
			end
		end
		local facts = { markers = count, files = files }
		if count == 0 then
			return { answer = "pass", summary = "no conflict markers", facts = facts }
		end
		local many = if count == 1 then "1 conflict marker" else `{count} conflict markers`
		return {
			answer = "fail",
			summary = `{many}, the first in {first}: write down what both sides mean, and take the markers out`,
			annotations = annotations,
			facts = facts,
		}
	end,
}
