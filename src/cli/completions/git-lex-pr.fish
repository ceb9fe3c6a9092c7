# Completes `git lex-pr` and `git-lex-pr` in fish, by asking git-lex-pr itself what fits. Fish's completion of git asks this one.
function __git_lex_pr_ask
    set -l words (commandline --current-process --tokenize --cut-at-cursor)
    LEX_PR_COMPLETE=fish git-lex-pr -- $words (commandline --current-token --cut-at-cursor) 2>/dev/null
end

complete --command git-lex-pr --keep-order --no-files --arguments '(__git_lex_pr_ask)'
