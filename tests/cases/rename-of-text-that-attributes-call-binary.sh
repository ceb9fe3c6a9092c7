# With `* -diff` a file whose line ends are turned is not like itself. Ours moves f and turns its line ends, theirs makes it executable.
# Git: a conflict (modify/delete).
set -e
blob() { printf -- "$1" | git hash-object -w --stdin; }
entry() { printf -- "$1 $2 $3\\t$4\\000"; }
tree() { git mktree -z --missing; }
commit() { # NAME DATE TREE PARENT...
    name=$1 tree=$3; export GIT_AUTHOR_DATE="$2 +0000" GIT_COMMITTER_DATE="$2 +0000"; shift 3
    git update-ref "refs/heads/$name" "$(git commit-tree -m "$name" "$tree" $(printf ' -p %s' "$@"))"
}
root() { git update-ref "refs/heads/$1" "$(GIT_AUTHOR_DATE="$2 +0000" GIT_COMMITTER_DATE="$2 +0000" git commit-tree -m "$1" "$3")"; }

from=$(entry 100644 blob "$(blob '* -diff\n')" '.gitattributes' | tree)
root from 1000000000 "$from"
root dummy 1000000100 "$from"
unix=$(blob '1 one\n2 two\n3 three\n4 four\n')
dos=$(blob '1 one\r\n2 two\r\n3 three\r\n4 four\r\n')
root base 1000001000 "$(entry 100644 blob "$unix" 'f' | tree)"
commit ours 1000001100 "$(entry 100644 blob "$dos" 'g' | tree)" from base dummy
commit theirs 1000001200 "$(entry 100755 blob "$unix" 'f' | tree)" base

export GIT_ATTR_SOURCE=from
git merge-tree --write-tree ours theirs >merged || echo "git: a conflict"
tree=$(head -n 1 merged)
commit merge 1000009000 "$tree" ours theirs
# git lex-pr replay --pairs from..merge
