-- A gate of git lex-pr: it judges the candidate, which is what the target would be if an item landed.
-- gate.d.luau has all that it can ask. There are no files, no clock and no network here, and nothing stays between two calls.

return {
    description = "No file gets more than max-lines new lines",

    -- What `config` in lex-pr.toml may set: for each key a JSON Schema, whose default counts where the key is not set.
    config = {
        ["max-lines"] = { type = "integer", minimum = 0, default = 500, description = "New lines that one file may get" },
        ignore = { type = "array", items = { type = "string" }, default = {}, description = "Globs of files that do not count" },
    },

    check = function()
        local config = candidate.config()
        local function is_ignored(path)
            for _, glob in config.ignore do
                if candidate.matches(glob, path) then
                    return true
                end
            end
            return false
        end

        local added, annotations = 0, {}
        for _, change in candidate.changes() do
            -- A binary file has no lines: its difference is nil.
            local difference = candidate.diff(change.path)
            if difference and not is_ignored(change.path) then
                local lines = difference.added
                added += #lines
                if #lines > config["max-lines"] then
                    table.insert(annotations, {
                        path = change.path,
                        line = lines[1].number,
                        message = `{#lines} new lines, where {config["max-lines"]} are allowed`,
                    })
                end
            end
        end

        return {
            answer = if #annotations > 0 then "fail" else "pass",
            summary = `{added} new lines; files with too many: {#annotations}`,
            annotations = annotations,
            facts = { added = added },
        }
    end,
}
