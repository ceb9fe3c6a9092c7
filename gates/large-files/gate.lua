-- A large file stays in the history for good. Only sizes are asked for: nothing is read.

local function limit_of(config, path)
	for _, limit in config.limits do
		if candidate.matches_any(limit.paths, path) then
			return limit["max-kib"]
		end
	end
	return config["max-kib"]
end

local function human(bytes)
	if bytes >= 1024 * 1024 then
		return string.format("%.2f MiB", bytes / 1024 / 1024)
	end
	return if bytes >= 1024 then string.format("%.2f KiB", bytes / 1024) else `{bytes} bytes`
end

return {
	description = "No file is larger than its limit",
	config = {
		["max-kib"] = {
			type = "integer",
			minimum = 0,
			default = 1024,
			description = "The most KiB of a file; 0 for no limit.",
		},
		limits = {
			type = "array",
			items = {
				type = "object",
				additionalProperties = false,
				required = { "paths", "max-kib" },
				properties = {
					paths = { type = "array", items = { type = "string" }, description = "Globs of files." },
					["max-kib"] = { type = "integer", minimum = 0, description = "The most KiB of each; 0 for no limit." },
				},
			},
			default = {
				{
					paths = { "**/Cargo.lock", "**/go.sum", "**/package-lock.json", "**/pnpm-lock.yaml", "**/uv.lock", "**/yarn.lock" },
					["max-kib"] = 8192,
				},
			},
			description = "Other limits for some files; the first that names a file counts.",
		},
		["only-new"] = {
			type = "boolean",
			default = false,
			description = "Whether files that were there before may be changed at any size.",
		},
	},
	check = function()
		local config = candidate.config()
		local annotations, largest, over = {}, 0, nil
		for _, change in candidate.changes() do
			-- A rename adds nothing to the history but a name. A submodule has no size.
			if change.status == "deleted" or change.status == "renamed" or (config["only-new"] and change.status ~= "added") then
				continue
			end
			local size = candidate.size(change.path)
			if not size then
				continue
			end
			largest = math.max(largest, size)
			local most = limit_of(config, change.path) * 1024
			if most > 0 and size > most then
				over = over or { path = change.path, size = size, most = most }
				table.insert(annotations, { path = change.path, message = `{human(size)}, at most {human(most)} are allowed` })
			end
		end
		local facts = { largest = largest }
		if not over then
			return { answer = "pass", summary = `the largest changed file has {human(largest)}`, facts = facts }
		end
		local more = if #annotations > 1 then ` and {#annotations - 1} more` else ""
		return {
			answer = "fail",
			summary = `{over.path} has {human(over.size)}, more than {human(over.most)}{more}: keep it in git LFS or outside, or raise its limit`,
			annotations = annotations,
			facts = facts,
		}
	end,
}
