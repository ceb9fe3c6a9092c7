# Completes `git lex-pr` and `git-lex-pr` in bash, by asking git-lex-pr itself what fits.

# Give what fits the last of the words $@, of which the first is the command.
__git_lex_pr_ask() {
    local cur="${@: -1}" cut="" said word quoted IFS=$'\n'
    cur=${cur//\\/}
    set -- "${@:1:$#-1}" "$cur"
    # Readline replaces only what stands behind the last of the characters at which it breaks words.
    case $cur in
    *:*) [[ $COMP_WORDBREAKS == *:* ]] && cut=${cur%"${cur##*[:=]}"} ;;
    *=*) [[ $COMP_WORDBREAKS == *=* ]] && cut=${cur%"${cur##*=}"} ;;
    esac
    said=$(LEX_PR_COMPLETE=bash _CLAP_IFS=$'\n' _CLAP_COMPLETE_INDEX=$(($# - 1)) git-lex-pr -- "$@" 2>/dev/null)
    COMPREPLY=()
    while read -r word; do
        [[ -n $word ]] || continue
        word=${word#"$cut"}
        # A name is hostile: what the shell would read into it is quoted.
        printf -v quoted %q "$word"
        # Between values a comma is plain, as braces are quoted.
        quoted=${quoted//\\,/,}
        [[ $word == "~"* ]] && quoted=$word
        case $word in
        *[=/]) COMPREPLY+=("$quoted") ;;
        *) COMPREPLY+=("$quoted ") ;;
        esac
    done <<<"$said"
}

# Git's own completion calls this for `git lex-pr`.
_git_lex_pr() {
    local at=${__git_cmd_idx:-0}
    if ((at == 0)); then
        while [[ ${words[at]} != lex-pr ]] && ((at < cword)); do at=$((at + 1)); done
    fi
    [[ -n ${__git_dir-} ]] && local -x GIT_DIR=$__git_dir
    __git_lex_pr_ask git-lex-pr "${__git_C_args[@]}" "${words[@]:at+1:cword-at}"
}

# Words that stand in the line without a blank between them are one, wherever readline breaks them.
_git_lex_pr_itself() {
    local line=${COMP_LINE:0:COMP_POINT} blank piece i
    local -a joined=()
    for ((i = 0; i <= COMP_CWORD; i++)); do
        blank=${line%%[^[:space:]]*}
        line=${line#"$blank"}
        piece=${COMP_WORDS[i]}
        ((i == COMP_CWORD)) && piece=$line
        if ((i == 0)) || [[ -n $blank ]]; then
            joined+=("$piece")
        else
            joined[${#joined[@]} - 1]+=$piece
        fi
        line=${line#"$piece"}
    done
    __git_lex_pr_ask "${joined[@]}"
}

complete -o nospace -o bashdefault -F _git_lex_pr_itself git-lex-pr
