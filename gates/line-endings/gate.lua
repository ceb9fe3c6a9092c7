-- Line ends, byte order marks and ends of files, only of files that the item changes and only what it makes worse: a file that was
-- there before with other line ends may keep them.

local BOM = "\239\187\191"

-- "lf", "crlf" or "mixed"; nil for a text of one line.
local function style(lf, crlf)
	if crlf == 0 then
		return if lf > 0 then "lf" else nil
	end
	return if lf > 0 then "mixed" else "crlf"
end

local function style_of(text)
	local _, all = string.gsub(text, "\n", "")
	local _, crlf = string.gsub(text, "\r\n", "")
	return style(all - crlf, crlf)
end

-- The first added line that ends, or does not end, in a carriage return.
local function first_line(path, has_return)
	local diff = candidate.diff(path)
	for _, line in if diff then diff.added else {} do
		if (string.sub(line.text, -1) == "\r") == has_return then
			return line
		end
	end
	return nil
end

local function wrong_ends(path, style, before, config)
	if style == nil or style == "lf" and (config.eol ~= "crlf" or before ~= nil) then
		-- One line, or a file that is converted to what everybody has.
		return nil
	end
	local old = if before then style_of(before) else nil
	local wanted = config.eol
	if candidate.matches_any(config["crlf-files"], path) then
		wanted = "consistent"
	end
	if wanted == "any" or style == old then
		return nil
	end
	if style == "mixed" then
		local main = old or (if wanted == "consistent" then "lf" else wanted)
		local line = if old == "mixed" then nil else first_line(path, main ~= "crlf")
		return line, `mixed line ends`, if main == "crlf" then nil elseif line then string.gsub(line.text, "\r$", "") else nil
	end
	if wanted == "consistent" or style == wanted then
		return nil
	end
	local line = first_line(path, style == "crlf")
	local name = if style == "crlf" then "CRLF" else "LF"
	return line, `{name} line ends`, if style == "crlf" and line then string.gsub(line.text, "\r$", "") else nil
end

return {
	description = "Text files end their lines in one way, end in a line end, and begin without a byte order mark",
	config = {
		eol = {
			enum = { "lf", "crlf", "consistent", "any" },
			default = "lf",
			description = "How lines of new files end: by LF, by CRLF, by either as long as they are not mixed, or in any way.",
		},
		["crlf-files"] = {
			type = "array",
			items = { type = "string" },
			default = { "**/*.bat", "**/*.cmd", "**/*.sln" },
			description = "Globs of files that may have either.",
		},
		["final-newline"] = {
			type = "boolean",
			default = true,
			description = "Whether the last line must end.",
		},
		["trailing-whitespace"] = {
			type = "boolean",
			default = false,
			description = "Whether added lines may not end in blanks.",
		},
		["allow-trailing"] = {
			type = "array",
			items = { type = "string" },
			default = { "**/*.md", "**/*.markdown", "**/*.patch", "**/*.diff" },
			description = "Globs of files in which blanks at the end of a line mean something.",
		},
		["allow-bom"] = {
			type = "array",
			items = { type = "string" },
			default = { "**/*.csv", "**/*.ps1", "**/*.sln" },
			description = "Globs of files that may begin with a byte order mark.",
		},
		exclude = {
			type = "array",
			items = { type = "string" },
			default = {},
			description = "Globs of files that are not looked at.",
		},
	},
	check = function()
		local config = candidate.config()
		local annotations, files = {}, 0
		for _, change in candidate.changes() do
			local path = change.path
			if change.mode ~= "file" and change.mode ~= "executable" then
				continue
			end
			local ends = if candidate.matches_any(config.exclude, path) then nil else candidate.line_ends(path)
			if not ends then
				continue
			end
			local has_return, is_ended, has_bom = ends.crlf > 0, ends.is_ended, ends.has_bom
			local count = #annotations

			-- The file as it was is only read where something is the matter.
			local before
			if change.status ~= "added" and (has_return or config.eol == "crlf" or not is_ended or has_bom) then
				before = candidate.read_base(change.old_path or path)
			end
			local line, message, replacement
			if has_return or config.eol == "crlf" then
				line, message, replacement = wrong_ends(path, style(ends.lf, ends.crlf), before, config)
			end
			if message then
				local number = if line then line.number else nil
				table.insert(annotations, { path = path, line = number, message = message, replacement = replacement })
			end
			if config["final-newline"] and not is_ended and (before == nil or before == "" or string.sub(before, -1) == "\n") then
				table.insert(annotations, { path = path, line = ends.lf + ends.crlf + 1, message = "no line end at the end of the file" })
			end
			if has_bom and (before == nil or string.sub(before, 1, 3) ~= BOM) and not candidate.matches_any(config["allow-bom"], path) then
				local first = string.match(candidate.read(path), "^[^\r\n]*", 4)
				table.insert(annotations, { path = path, line = 1, message = "byte order mark", replacement = first })
			end
			if config["trailing-whitespace"] and not candidate.matches_any(config["allow-trailing"], path) then
				local diff = candidate.diff(path)
				for _, added in if diff then diff.added else {} do
					local rest = if string.sub(added.text, -1) == "\r" then "\r" else ""
					local bare = string.match(added.text, "^.*[^ \t\r]") or ""
					if #bare + #rest < #added.text then
						table.insert(annotations, {
							path = path,
							line = added.number,
							message = "blanks at the end of the line",
							replacement = bare .. rest,
						})
					end
				end
			end
			files += if #annotations > count then 1 else 0
		end
		if #annotations == 0 then
			return { answer = "pass", summary = "line ends are in order" }
		end
		local first = annotations[1]
		local place = if first.line then `{first.path}:{first.line}` else first.path
		local more = if #annotations > 1 then ` and {#annotations - 1} more in {files} {if files == 1 then "file" else "files"}` else ""
		local is_about_ends = string.find(first.message, "line ends", 1, true) ~= nil
		local mend = if is_about_ends
			then "`* text=auto` in .gitattributes and git add --renormalize . mend it"
			else "an .editorconfig keeps editors from it"
		return {
			answer = "fail",
			summary = `{first.message} in {place}{more}; {mend}`,
			annotations = annotations,
			facts = { files = files, places = #annotations },
		}
	end,
}
