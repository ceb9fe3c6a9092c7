# Completes `git lex-pr` and `git-lex-pr` in fish, by asking git-lex-pr itself what fits.
function __git_lex_pr_ask
    set -l words (commandline --current-process --tokenize --cut-at-cursor)
    set -l folder
    if set -l at (contains --index lex-pr $words)
        # `git -C DIR lex-pr`
        set -l before $words[1..$at]
        if set -l flag (contains --index -- -C $before)
            set folder -C $before[(math $flag + 1)]
        end
        set -e words[1..$at]
    else
        set -e words[1]
    end
    LEX_PR_COMPLETE=fish git-lex-pr -- git-lex-pr $folder $words (commandline --current-token --cut-at-cursor) 2>/dev/null
end

complete --command git-lex-pr --keep-order --no-files --arguments '(__git_lex_pr_ask)'
complete --command git --condition '__fish_git_using_command lex-pr' --keep-order --no-files --arguments '(__git_lex_pr_ask)'
complete --command git --condition __fish_git_needs_command --arguments lex-pr --description 'Land a whole fan of branches at once'
