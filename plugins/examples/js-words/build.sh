#!/bin/sh
# Build a gate that is one JavaScript module: build.sh [OUTPUT], gate.wasm beside this file where OUTPUT is not given.
set -eu
export LC_ALL=C SOURCE_DATE_EPOCH=0

here=$(cd "$(dirname "$0")" && pwd)
output=${1:-$here/gate.wasm}
case $output in /*) ;; *) output=$PWD/$output ;; esac
wit=${LEX_PR_WIT:-$here/../../wit}
case $wit in /*) ;; *) wit=$PWD/$wit ;; esac

command -v npm >/dev/null || { echo "npm is missing: install Node.js 20 or newer" >&2; exit 1; }

# From here on with relative names: the path of the source stands in the component, and its digest is what verdicts are kept by.
cd "$here"
[ -x node_modules/.bin/componentize-qjs ] || npm ci --no-audit --no-fund >&2

# --sync: a gate's calls are not async. --stub-wasi: the engine of JavaScript asks for WASI, of which a gate has no need.
node_modules/.bin/componentize-qjs --wit "$wit" --world gate --js ./*.js --sync --opt-size --stub-wasi --output "$output" >&2
