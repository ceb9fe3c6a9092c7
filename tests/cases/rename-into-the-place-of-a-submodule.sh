# Theirs moves f to where ours has a submodule, which theirs took away; ours edits f. Git: clean.
set -e
blob() { printf -- "$1" | git hash-object -w --stdin; }
entry() { printf -- "$1 $2 $3\\t$4\\000"; }
tree() { git mktree -z --missing; }
commit() { # NAME DATE TREE PARENT...
    name=$1 tree=$3; export GIT_AUTHOR_DATE="$2 +0000" GIT_COMMITTER_DATE="$2 +0000"; shift 3
    git update-ref "refs/heads/$name" "$(git commit-tree -m "$name" "$tree" $(printf ' -p %s' "$@"))"
}
root() { git update-ref "refs/heads/$1" "$(GIT_AUTHOR_DATE="$2 +0000" GIT_COMMITTER_DATE="$2 +0000" git commit-tree -m "$1" "$3")"; }

none=$(tree </dev/null)
root from 1000000000 "$none"
root dummy 1000000100 "$none"
module=1111111111111111111111111111111111111111
root base 1000001000 "$({
    entry 100644 blob "$(blob 'one\ntwo\nthree\n')" 'f'
    entry 160000 commit "$module" 'module'
} | tree)"
commit ours 1000001100 "$({
    entry 100644 blob "$(blob 'one\ntwo\nthree\nfour\n')" 'f'
    entry 160000 commit "$module" 'module'
} | tree)" from base dummy
folder=$(entry 100644 blob "$(blob 'one\ntwo\nthree\n')" 'f' | tree)
commit theirs 1000001200 "$(entry 040000 tree "$folder" 'module' | tree)" base

export GIT_ATTR_SOURCE=from
git merge-tree --write-tree ours theirs >merged || echo "git: a conflict"
tree=$(head -n 1 merged)
commit merge 1000009000 "$tree" ours theirs
# git lex-pr replay --pairs from..merge
