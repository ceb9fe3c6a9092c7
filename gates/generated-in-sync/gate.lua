-- A generated file that is kept must change with its source: the one alone is stale, the other alone was edited by hand.

-- What a pattern with `%1` has captured of a path, or nil.
local function capture(pattern, path)
	local at = string.find(pattern, "%1", 1, true)
	local before, after = string.sub(pattern, 1, at - 1), string.sub(pattern, at + 2)
	local length = #path - #before - #after
	if length < 1 or string.sub(path, 1, #before) ~= before or string.sub(path, #path - #after + 1) ~= after then
		return nil
	end
	return string.sub(path, #before + 1, #path - #after)
end

local function fill(pattern, captured)
	local at = string.find(pattern, "%1", 1, true)
	return string.sub(pattern, 1, at - 1) .. captured .. string.sub(pattern, at + 2)
end

local function has_capture(pattern)
	return string.find(pattern, "%1", 1, true) ~= nil
end

-- All that happened, by path: "changed" or "gone". A renamed file is gone from where it was.
local function happenings()
	local what, order = {}, {}
	local function add(path, happened)
		what[path] = happened
		table.insert(order, path)
	end
	for _, change in candidate.changes() do
		if change.old_path then
			add(change.old_path, "gone")
		end
		add(change.path, if change.status == "deleted" then "gone" else "changed")
	end
	return what, order
end

return {
	description = "A generated file changes with its source, and its source with it",
	config = {
		pairs = {
			type = "array",
			items = {
				type = "object",
				additionalProperties = false,
				required = { "source", "generated" },
				properties = {
					source = { type = "string", description = "A path with `%1` for what both paths have in common, or a glob." },
					generated = { type = "string", description = "The same of what is generated from it." },
					required = { type = "boolean", description = "Whether a source may not be without its generated file." },
					how = { type = "string", description = "The command that generates." },
				},
			},
			default = { { source = "%1.proto", generated = "%1.pb.go", how = "protoc" } },
			description = "Sources and what is generated from them.",
		},
		["source-alone"] = {
			enum = { "fail", "warn", "pass" },
			default = "fail",
			description = "The answer where a source changes and its generated file does not.",
		},
		["generated-alone"] = {
			enum = { "fail", "warn", "pass" },
			default = "fail",
			description = "The answer where a generated file changes and its source does not, as with another version of the generator.",
		},
	},
	check = function()
		local config = candidate.config()
		local what, order = happenings()
		local answer, annotations, first, seen = "pass", {}, nil, 0
		local function found(kind, path, message, how)
			local says = config[kind]
			if says == "pass" then
				return
			end
			answer = if answer == "fail" then "fail" else says
			local mend = if how then `; run \`{how}\`` else ""
			first = first or `{path} {message}{mend}`
			-- A file that is gone cannot be pointed at in the candidate, but the reader wants to know which it was.
			table.insert(annotations, { path = path, severity = if says == "fail" then "error" else "warning", message = message .. mend })
		end

		for _, pair in config.pairs do
			local is_named = has_capture(pair.source)
			if is_named ~= has_capture(pair.generated) then
				error(`config: \`{pair.source}\` and \`{pair.generated}\` must both have a %1, or neither`, 0)
			end
			if is_named then
				for _, path in order do
					local captured = capture(pair.source, path)
					if captured then
						local other = fill(pair.generated, captured)
						seen += 1
						if what[path] == "gone" then
							if not what[other] and candidate.exists(other) then
								found("source-alone", other, `is left behind: its source {path} is gone`, nil)
							end
						elseif not what[other] and candidate.exists(other) then
							found("source-alone", path, `changed without {other}`, pair.how)
						elseif pair.required and not candidate.exists(other) then
							found("source-alone", path, `has no {other}`, pair.how)
						end
					end
					captured = capture(pair.generated, path)
					if captured and what[path] == "changed" then
						local other = fill(pair.source, captured)
						seen += 1
						if not what[other] and candidate.exists(other) then
							found("generated-alone", path, `changed without its source {other}`, pair.how)
						end
					end
				end
			else
				local source, generated
				for _, path in order do
					-- What is generated may lie among the sources, and then is no source.
					if candidate.matches(pair.generated, path) then
						generated = generated or path
					elseif candidate.matches(pair.source, path) then
						source = source or path
					end
				end
				seen += if source or generated then 1 else 0
				if source and not generated then
					found("source-alone", source, `changed, and nothing in {pair.generated} did`, pair.how)
				elseif generated and not source then
					found("generated-alone", generated, `changed, and nothing in {pair.source} did`, pair.how)
				end
			end
		end
		local facts = { checked = seen, ["out-of-sync"] = #annotations }
		if #annotations == 0 then
			local summary = if seen == 0 then "no generated file is concerned" else "generated files are in step with their sources"
			return { answer = "pass", summary = summary, facts = facts }
		end
		local more = if #annotations > 1 then ` (and {#annotations - 1} more)` else ""
		return { answer = answer, summary = first .. more, annotations = annotations, facts = facts }
	end,
}
