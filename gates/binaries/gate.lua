-- Binary files cannot be reviewed or merged, so they come in only where they are expected.

return {
	description = "No new binary file but where binaries belong",
	config = {
		allow = {
			type = "array",
			items = { type = "string" },
			default = {
				"**/*.gif",
				"**/*.ico",
				"**/*.jpeg",
				"**/*.jpg",
				"**/*.otf",
				"**/*.pdf",
				"**/*.png",
				"**/*.ttf",
				"**/*.webp",
				"**/*.woff",
				"**/*.woff2",
			},
			description = "Globs of files that may be binary; pictures and fonts where nothing is said.",
		},
		changed = {
			type = "boolean",
			default = false,
			description = "Whether a binary that was there before may not be changed either.",
		},
	},
	check = function()
		local config = candidate.config()
		local annotations = {}
		for _, change in candidate.changes() do
			local counts = change.status == "added" or (config.changed and change.status == "modified")
			if not counts or change.mode == "submodule" or candidate.matches_any(config.allow, change.path) then
				continue
			end
			-- No lines to compare: one of the versions is binary, or too large to be anything else.
			if candidate.diff_counts(change.path) == nil then
				table.insert(annotations, { path = change.path, message = `{change.status} binary file` })
			end
		end
		if #annotations == 0 then
			return { answer = "pass", summary = "no binary file where none belongs" }
		end
		local more = if #annotations > 1 then ` and {#annotations - 1} more` else ""
		return {
			answer = "fail",
			summary = `binary file {annotations[1].path}{more}: build it instead of keeping it, or name its place in \`allow\``,
			annotations = annotations,
			facts = { binaries = #annotations },
		}
	end,
}
