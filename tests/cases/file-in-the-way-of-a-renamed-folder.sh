# Theirs renames the folder a/b and a file of it, ours deletes the file and puts one in the place of the folder. Git: a conflict, which names a path with nothing there.
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
    entry 040000 tree "$tree3" 'b'
} | tree)
tree5=$({
    entry 040000 tree "$tree4" 'a'
} | tree)
root base 1000001000 "$tree5" 
tree6=$({
    entry 100644 blob "$(blob '')" 'b'
} | tree)
tree7=$({
    entry 040000 tree "$tree6" 'a'
} | tree)
commit ours 1000001100 "$tree7" from base dummy
tree8=$({
    entry 100644 blob "$(blob 'statement 8\n')" 'a.b'
} | tree)
tree9=$({
    entry 040000 tree "$tree8" 'b'
} | tree)
commit theirs 1000001200 "$tree9" base

export GIT_ATTR_SOURCE=from
git merge-tree --write-tree ours theirs >merged || echo "git: a conflict"
tree=$(head -n 1 merged)
commit merge 1000009000 "$tree" ours theirs
# git lex-pr replay --pairs from..merge
