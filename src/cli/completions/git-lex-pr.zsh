#compdef git-lex-pr
#description land a whole fan of branches at once

# Completes `git lex-pr` and `git-lex-pr` in zsh, by asking git-lex-pr itself what fits. Zsh's completion of git calls this for
# `git lex-pr`.
_git-lex-pr() {
    emulate -L zsh
    setopt extended_glob
    local -a folder said
    integer at=${words[(i)(git-|)lex-pr]}
    ((at < CURRENT)) || at=1
    # `git -C DIR lex-pr`
    (( ${+opt_args} )) && [[ -n ${opt_args[-C]-} ]] && folder=(-C ${(Q)opt_args[-C]})
    said=("${(@f)$(LEX_PR_COMPLETE=zsh _CLAP_IFS=$'\n' _CLAP_COMPLETE_INDEX=$((CURRENT - at + $#folder)) \
        git-lex-pr -- git-lex-pr $folder "${(@Q)words[at+1,CURRENT]}" 2>/dev/null)}")
    said=(${said:#})
    local -a open=(${(M)said:#[^:]##[=/](|:*)}) whole=(${said:#[^:]##[=/](|:*)})
    (($#said)) || return 1
    (($#whole)) && _describe -V value whole
    (($#open)) && _describe -V value open -S ''
    return 0
}

# The completion that comes with git calls this one.
_git_lex_pr() {
    _git-lex-pr && _ret=0
}

if [[ $funcstack[1] == _git-lex-pr ]]; then
    _git-lex-pr "$@"
else
    compdef _git-lex-pr git-lex-pr
    # What is found in fpath, git's completion knows by its description.
    () {
        local -a known
        zstyle -a ':completion:*:*:git:*' user-commands known
        zstyle ':completion:*:*:git:*' user-commands ${known:#lex-pr:*} 'lex-pr:land a whole fan of branches at once'
    }
fi
