# The sides move a file apart: ours d/f to x/f, theirs d/f to y/f; the folder d is the same on both sides. Git: a conflict (rename/rename).
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
keep=$(entry 100644 blob "$(blob 'keep\n')" 'keep' | tree)
moved=$(entry 100644 blob "$(blob 'one\ntwo\nthree\n')" 'f' | tree)
d=$({
    entry 100644 blob "$(blob 'one\ntwo\nthree\n')" 'f'
    entry 100644 blob "$(blob 'keep\n')" 'keep'
} | tree)
root base 1000001000 "$(entry 040000 tree "$d" 'd' | tree)"
commit ours 1000001100 "$({
    entry 040000 tree "$keep" 'd'
    entry 040000 tree "$moved" 'x'
} | tree)" from base dummy
commit theirs 1000001200 "$({
    entry 040000 tree "$keep" 'd'
    entry 040000 tree "$moved" 'y'
} | tree)" base

export GIT_ATTR_SOURCE=from
git merge-tree --write-tree ours theirs >merged || echo "git: a conflict"
tree=$(head -n 1 merged)
commit merge 1000009000 "$tree" ours theirs
# git lex-pr replay --pairs from..merge
