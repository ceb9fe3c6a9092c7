#!/bin/sh
# Build a gate that is one or more C files: build.sh [OUTPUT], gate.wasm beside this file where OUTPUT is not given.
set -eu
export LC_ALL=C SOURCE_DATE_EPOCH=0

here=$(cd "$(dirname "$0")" && pwd)
output=${1:-$here/gate.wasm}
wit=${LEX_PR_WIT:-$here/../../wit}
built=$(mktemp -d)
trap 'rm -rf "$built"' EXIT

for tool in wit-bindgen wasm-tools; do
    command -v $tool >/dev/null || { echo "$tool is missing: cargo install --locked wit-bindgen-cli wasm-tools" >&2; exit 1; }
done

wit-bindgen c "$wit" --world gate --out-dir "$built" >"$built/log" 2>&1 || { cat "$built/log" >&2; exit 1; }

# No path of this machine may stand in the component, since its digest is what verdicts are kept by.
flags="-Oz -Wall -Wno-unused-function -ffunction-sections -fdata-sections -ffile-prefix-map=$here=. -ffile-prefix-map=$built=."
if [ -n "${WASI_SDK_PATH:-}" ]; then
    set -- "$WASI_SDK_PATH/bin/clang" --target=wasm32-wasip1
    ld=$WASI_SDK_PATH/bin/wasm-ld libc=$WASI_SDK_PATH/share/wasi-sysroot/lib/wasm32-wasip1
elif [ -d /usr/lib/wasm32-wasi ]; then
    # Debian's: apt-get install clang lld-22 wasi-libc.
    set -- clang --target=wasm32-wasi --sysroot=/usr
    ld=$(command -v wasm-ld-22 || command -v wasm-ld) libc=/usr/lib/wasm32-wasi
else
    echo "no C for wasm here: set WASI_SDK_PATH to a wasi-sdk, or on Debian \`apt-get install clang lld-22 wasi-libc\`" >&2
    exit 1
fi
mkdir "$built/own"
# shellcheck disable=SC2086
for source in "$here"/*.c; do "$@" $flags -I"$built" -c "$source" -o "$built/own/$(basename "$source").o"; done
# shellcheck disable=SC2086
"$@" $flags -c "$built/gate.c" -o "$built/gate.o"
# By hand and without a start file: nothing of it needs to run first, and the driver would want a compiler-rt.
"$ld" --no-entry --gc-sections --strip-all --stack-first -z stack-size=65536 "$built"/own/*.o "$built/gate.o" "$built/gate_component_type.o" \
    "-L$libc" -lc -o "$built/core.wasm"
wasm-tools component new "$built/core.wasm" -o "$output"
