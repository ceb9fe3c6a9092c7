-- Secrets that would come in with the added lines. What is found is never written down, only its kind and its place: a verdict is
-- kept in a git note, which everybody has.

-- A kind is found by text that each of its secrets begins with, which is searched as it stands and so costs next to nothing, and then
-- told by a Lua pattern from there on. `least` is the length from which on it counts, `exact` the only one that does. `rare` is a part of
-- the begin that is found sooner, for its first letter is rarer.
local TOKENS = {
	{ kind = "AWS access key", begin = "AKIA", pattern = "^AKIA[A-Z2-7]+", exact = 20 },
	{ kind = "AWS access key", begin = "ASIA", pattern = "^ASIA[A-Z2-7]+", exact = 20 },
	{ kind = "GitHub token", begin = "ghp_", pattern = "^ghp_%w+", least = 40 },
	{ kind = "GitHub token", begin = "gho_", pattern = "^gho_%w+", least = 40 },
	{ kind = "GitHub token", begin = "ghu_", pattern = "^ghu_%w+", least = 40 },
	{ kind = "GitHub token", begin = "ghs_", pattern = "^ghs_%w+", least = 40 },
	{ kind = "GitHub token", begin = "ghr_", pattern = "^ghr_%w+", least = 40 },
	{ kind = "GitHub token", begin = "github_pat_", pattern = "^github_pat_[%w_]+", least = 80 },
	{ kind = "GitLab token", begin = "glpat-", pattern = "^glpat%-[%w_-]+", least = 26 },
	{ kind = "Slack token", begin = "xox", pattern = "^xox[abeoprs]%-[%w-]+", least = 20 },
	{ kind = "Slack webhook", begin = "hooks.slack.com/services/", pattern = "^hooks%.slack%.com/services/T%w+/B%w+/%w+", least = 60 },
	{ kind = "Stripe key", begin = "k_live_", pattern = "^k_live_%w+", least = 23 },
	{ kind = "Google API key", begin = "AIza", pattern = "^AIza[%w_-]+", exact = 39 },
	{ kind = "npm token", begin = "npm_", rare = "pm_", pattern = "^npm_%w+", exact = 40 },
	{ kind = "PyPI token", begin = "pypi-AgEI", pattern = "^pypi%-AgEI[%w_-]+", least = 60 },
	{ kind = "JSON Web Token", begin = "eyJ", rare = "yJ", pattern = "^eyJ[%w_-]+%.eyJ[%w_-]+%.[%w_-]+", least = 60 },
}

-- Text that only secrets of manuals hold: Amazon's examples end so, and everybody's first token is John Doe's.
local SAMPLES = { "EXAMPLE", "eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9l" }

-- Names to which nobody assigns what may be known. In small letters; the name must end with it, so that `token_url` and
-- `password_hash` are none.
local NAMES = { "passw", "passphrase", "pwd", "secret", "token", "api_key", "api-key", "apikey", "access_key", "access-key", "accesskey" }

-- Where a value stands without quotes.
local UNQUOTED = { env = true, ini = true, cfg = true, conf = true, properties = true, yml = true, yaml = true }

-- Parts of values that stand for a secret and are none.
local STAND_INS = { "example", "placeholder", "change", "dummy", "your", "sample", "redacted", "xxxx", "****", "....", "1234567890", "abcdef" }

-- A longer value is a text.
local LONGEST = 200

local MARKER = "lex-pr:allow-secret"

-- Most texts hold nothing, and that is known far sooner of many at once: so many bytes of them.
local LOT = 1024 * 1024

-- In larger files there is data, and lines enough of it to fill the memory.
local MOST = 4 * 1024 * 1024

local function contains_any(text, parts)
	for _, part in parts do
		if part ~= "" and string.find(text, part, 1, true) then
			return true
		end
	end
	return false
end

-- Shannon's entropy in bits a character: English words have less than 3.5, random letters and digits more than 3.7.
local function entropy(text)
	local counts = {}
	for at = 1, #text do
		local byte = string.byte(text, at)
		counts[byte] = (counts[byte] or 0) + 1
	end
	local bits = 0
	for _, count in counts do
		bits -= count / #text * math.log(count / #text, 2)
	end
	return bits
end

-- Whether it is made of words and small numbers, as `my-service-v2` and `auth.token.refresh` are.
local function is_words(value)
	for part in string.gmatch(value, "[^-_./:]+") do
		local is_word = string.find(part, "^%l+$") or string.find(part, "^%u+$") or string.find(part, "^%u%l+$")
		if not is_word and not (#part <= 4 and string.find(part, "^%a?%d+$")) then
			return false
		end
	end
	return true
end

local function is_secret_value(value, config)
	if #value < 12 or #value > LONGEST or string.find(value, "[%s${}<>()%z\128-\255]") or string.find(value, "://", 1, true) then
		return false
	end
	if not string.find(value, "%d") or not string.find(value, "%a") or is_words(value) then
		return false
	end
	-- A path in small letters; base64 of that length has large ones.
	if string.find(value, "/", 1, true) and not string.find(value, "%u") then
		return false
	end
	return not contains_any(string.lower(value), STAND_INS) and entropy(value) >= config["min-entropy"]
end

-- The value that is assigned behind a name that ends before `from`.
local function assigned(text, small, from, is_unquoted)
	-- The rest of the name: `password`, `passwd`, `passwords` and `secret_key` are as bad as `passw` and `secret`.
	from += #string.match(small, "^o?r?d?s?", from)
	from += #(string.match(small, "^[_-]?key", from) or "")
	if string.find(text, "^[%w_-]", from) then
		return nil
	end
	-- Names can follow each other without end; what is looked at behind each has one.
	local near = string.sub(text, from, from + 2 * LONGEST)
	-- Behind the name: a quote, a type, and a sign of assignment.
	local behind = string.match(near, "^[\"'%]]*[ \t]*:[ \t]*&?[%w_'<>]+[ \t]*=[ \t]*()")
		or string.match(near, "^[\"'%]]*[ \t]*[:=][=>]?[ \t]*()")
	if not behind then
		return nil
	end
	local quote = string.match(near, "^[\"'`]", behind)
	if quote then
		return string.match(near, "^([^\"'`\n]*)" .. quote, behind + 1)
	end
	return if is_unquoted then string.match(near, "^([^%s#;,\"']+)", behind) else nil
end

-- Call `found(kind, position, secret)` for what looks like a secret.
local function search(text, config, is_unquoted, found)
	for _, token in TOKENS do
		local at = string.find(text, token.begin, 1, true)
		while at do
			-- Where it goes on to the left, it is part of something longer.
			local is_whole = token.begin == "k_live_" or at == 1 or not string.find(text, "^[%w_-]", at - 1)
			local secret = if is_whole then string.match(text, token.pattern, at) else nil
			if secret and (#secret == token.exact or (token.least and #secret >= token.least)) then
				found(token.kind, at, secret)
			end
			at = string.find(text, token.begin, at + #(secret or token.begin), true)
		end
	end

	local at = string.find(text, "PRIVATE KEY", 1, true)
	while at do
		-- Programs name the line; only what has a key behind it is a key.
		local head = string.match(string.sub(text, math.max(1, at - 30), at - 1), "%-%-%-%-%-BEGIN [A-Z0-9 ]*$")
		local behind = if head then string.sub(text, at + 11, at + 400) else ""
		for run in string.gmatch(behind, "[%w+/=]+") do
			if #run >= 32 then
				found("private key", at, run)
				break
			end
		end
		at = string.find(text, "PRIVATE KEY", at + 11, true)
	end

	for name, pattern in config.patterns do
		local from, to = string.find(text, pattern)
		while from and to >= from do
			found(name, from, string.sub(text, from, to))
			from, to = string.find(text, pattern, to + 1)
		end
	end

	if config["min-entropy"] == 0 then
		return
	end
	local small = string.lower(text)
	for _, name in NAMES do
		local at = string.find(small, name, 1, true)
		while at do
			local value = assigned(text, small, at + #name, is_unquoted)
			if value and is_secret_value(value, config) then
				found("assigned secret", at, value)
			end
			at = string.find(small, name, at + #name, true)
		end
	end
end

-- Whether `search` can find anything at all.
local function may_hold(text, config)
	if next(config.patterns) or string.find(text, "PRIVATE KEY", 1, true) then
		return true
	end
	for _, token in TOKENS do
		if string.find(text, token.rare or token.begin, 1, true) then
			return true
		end
	end
	return config["min-entropy"] > 0 and contains_any(string.lower(text), NAMES)
end

-- Where each line begins in the text of all.
local function starts_of(lines)
	local starts, next_start = table.create(#lines), 1
	for at, line in lines do
		starts[at] = next_start
		next_start += #line.text + 1
	end
	return starts
end

-- The line that holds a position, by halving.
local function line_at(starts, position)
	local low, high = 1, #starts
	while low < high do
		local middle = (low + high + 1) // 2
		if starts[middle] <= position then
			low = middle
		else
			high = middle - 1
		end
	end
	return low
end

local function is_unquoted_file(path)
	local suffix = string.match(path, "%.(%w+)$")
	return UNQUOTED[suffix or ""] or string.find("/" .. path, "/%.env[^/]*$") ~= nil
end

return {
	description = "No token, key or password comes in",
	config = {
		exclude = {
			type = "array",
			items = { type = "string" },
			default = {},
			description = "Globs of files that are not looked at, such as test data.",
		},
		allow = {
			type = "array",
			items = { type = "string" },
			default = {},
			description = "Texts; what holds one of them is no secret. Never write a real secret here.",
		},
		patterns = {
			type = "object",
			additionalProperties = { type = "string" },
			default = {},
			description = "Lua patterns of further secrets, by the name of their kind.",
		},
		["min-entropy"] = {
			type = "number",
			minimum = 0,
			default = 3.5,
			description = "The bits a character from which on a value assigned to a name such as `password` is a secret; 0 to look for none.",
		},
		messages = {
			type = "boolean",
			default = true,
			description = "Whether messages of commits are looked at too.",
		},
	},
	check = function()
		local config = candidate.config()
		for name, pattern in config.patterns do
			if not pcall(string.find, "", pattern) then
				error(`config: the pattern of \`{name}\` is no Lua pattern`, 0)
			end
		end
		local annotations, kinds, count, first = {}, {}, 0, nil
		local function is_allowed(secret, line)
			return contains_any(secret, SAMPLES) or contains_any(secret, config.allow) or string.find(line, MARKER, 1, true) ~= nil
		end
		local function report(kind, place)
			count += 1
			kinds[kind] = (kinds[kind] or 0) + 1
			first = first or { kind = kind, place = place }
		end

		local lot, size = {}, 0
		local function search_lot()
			local texts = table.create(#lot)
			for at, one in lot do
				texts[at] = one.text
			end
			if may_hold(table.concat(texts, "\n"), config) then
				for _, one in lot do
					search(one.text, config, one.is_unquoted, one.found)
				end
			end
			lot, size = {}, 0
		end
		local function add(text, is_unquoted, found)
			table.insert(lot, { text = text, is_unquoted = is_unquoted, found = found })
			size += #text
			if size > LOT then
				search_lot()
			end
		end

		for _, change in candidate.changes() do
			if change.status == "deleted" or candidate.matches_any(config.exclude, change.path) then
				continue
			end
			local text = candidate.added_text(change.path)
			if not text then
				if (candidate.size(change.path) or 0) > MOST then
					log.warn(`{change.path} is too large to be looked at`)
				end
				continue
			end
			local seen, lines, starts = {}, nil, nil
			add(text, is_unquoted_file(change.path), function(kind, position, secret)
				lines = lines or candidate.diff(change.path).added
				starts = starts or starts_of(lines)
				local at = line_at(starts, position)
				local line = lines[at]
				if seen[at] or is_allowed(secret, line.text) then
					return
				end
				seen[at] = true
				report(kind, `{change.path}:{line.number}`)
				table.insert(annotations, { path = change.path, line = line.number, message = kind })
			end)
		end
		if config.messages then
			for _, commit in candidate.commits() do
				local id = string.sub(commit.id, 1, 10)
				add(commit.message, false, function(kind, _, secret)
					if not is_allowed(secret, commit.message) then
						report(kind, `the message of {id}`)
					end
				end)
			end
		end
		search_lot()

		if count == 0 then
			return { answer = "pass", summary = "no secret found" }
		end
		local more = if count > 1 then ` and {count - 1} more` else ""
		return {
			answer = "fail",
			summary = `{first.kind} in {first.place}{more}: make it invalid where it was issued, then take it out of the item's commits; \`{MARKER}\` in the line says that it is none`,
			annotations = annotations,
			facts = { kinds = kinds },
		}
	end,
}
