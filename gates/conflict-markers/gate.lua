-- The check that is always on looks for `<<<<<<<` and `>>>>>>>`. This one can be told what to leave out, and points at every line of
-- a conflict that was committed, the two in the middle as well.

-- In larger files there is data, and lines enough of it to fill the memory. The check that is always on reads those too.
local MOST = 4 * 1024 * 1024

local function is_left_out(path, globs)
	for _, glob in globs do
		if candidate.matches(glob, path) then
			return true
		end
	end
	return false
end

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
		local annotations, count, first, files = {}, 0, nil, 0
		for _, change in candidate.changes() do
			if change.status == "deleted" or is_left_out(change.path, config.exclude) then
				continue
			end
			if (candidate.size(change.path) or 0) > MOST then
				continue
			end
			local diff = candidate.diff(change.path)
			local found = if diff then markers(diff.added, config["marker-size"]) else {}
			files += if #found > 0 then 1 else 0
			for _, line in found do
				count += 1
				first = first or `{change.path}:{line.number}`
				local sign = string.sub(line.text, 1, config["marker-size"])
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
