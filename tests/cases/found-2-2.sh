# Found by seed 2, triple 2. Git says a conflict; the weave said exit 3: .
set -e
blob() { printf -- "$1" | git hash-object -w --stdin; }
entry() { printf -- "$1 $2 $3\\t$4\\000"; }
tree() { git mktree -z --missing; }
commit() { # NAME DATE TREE PARENT...
    name=$1 tree=$3; export GIT_AUTHOR_DATE="$2 +0000" GIT_COMMITTER_DATE="$2 +0000"; shift 3
    git update-ref "refs/heads/$name" "$(git commit-tree -m "$name" "$tree" $(printf ' -p %s' "$@"))"
}
root() { git update-ref "refs/heads/$1" "$(GIT_AUTHOR_DATE="$2 +0000" GIT_COMMITTER_DATE="$2 +0000" git commit-tree -m "$1" "$3")"; }

tree1=$(tree </dev/null)
root from 1000000000 "$tree1" 
tree2=$(tree </dev/null)
root dummy 1000000100 "$tree2" 
tree3=$({
    entry 100644 blob "$(blob 'statement 8\n')" 'f.txt'
} | tree)
tree4=$({
    entry 040000 tree "$tree3" 'a'
} | tree)
root base 1000001000 "$tree4" 
tree5=$({
    entry 100644 blob "$(blob 'statement 8\015\n')" 'b'
} | tree)
tree6=$({
    entry 040000 tree "$tree5" 'b'
} | tree)
commit ours 1000001100 "$tree6" from base dummy
tree7=$({
    entry 100644 blob "$(blob 'statement 8\015\n')" 'f.txt'
} | tree)
commit theirs 1000001200 "$tree7" base

export GIT_ATTR_SOURCE=from
git merge-tree --write-tree ours theirs >merged || echo "git: a conflict"
tree=$(head -n 1 merged)
commit merge 1000009000 "$tree" ours theirs
# git lex-pr replay --pairs from..merge
