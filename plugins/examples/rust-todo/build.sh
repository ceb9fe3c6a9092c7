#!/bin/sh
# Build a gate that is a Rust crate: build.sh [OUTPUT], gate.wasm beside this file where OUTPUT is not given.
set -eu
export LC_ALL=C SOURCE_DATE_EPOCH=0

here=$(cd "$(dirname "$0")" && pwd)
output=${1:-$here/gate.wasm}
name=$(sed -n 's/^name *= *"\(.*\)"/\1/p' "$here/Cargo.toml" | head -n 1 | tr - _)
built=${CARGO_TARGET_DIR:-$here/target}

# No path of this machine may stand in the component, since its digest is what verdicts are kept by.
flags=$(printf '%s\037%s' "--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo" "--remap-path-prefix=${here%/*}=/gates")

if [ -d "$(rustc --print target-libdir --target wasm32-wasip2 2>/dev/null)" ]; then
    target=wasm32-wasip2
    CARGO_ENCODED_RUSTFLAGS=$flags cargo build --manifest-path "$here/Cargo.toml" --target-dir "$built" --release --locked --target $target
    cp "$built/$target/release/$name.wasm" "$output"
elif [ -x /usr/bin/cargo ] && [ -d /usr/lib/rustlib/src/rust/library ]; then
    # Debian's: apt-get install rustc-web cargo-web rust-web-src lld-22.
    command -v wasm-tools >/dev/null || { echo "wasm-tools is missing: cargo install --locked wasm-tools" >&2; exit 1; }
    # It has no standard library for this target, and -Z is not otherwise let through by a released compiler.
    target=wasm32-unknown-unknown
    flags=$(printf '%s\037-Clinker=%s\037-Clinker-flavor=wasm-ld' "$flags" "$(command -v wasm-ld-22 || command -v wasm-ld)")
    RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 CARGO_ENCODED_RUSTFLAGS=$flags /usr/bin/cargo build --manifest-path "$here/Cargo.toml" \
        --target-dir "$built" --release --locked --target $target -Zbuild-std=std,panic_abort -Zbuild-std-features=optimize_for_size
    wasm-tools component new "$built/$target/release/$name.wasm" -o "$output"
else
    echo "no Rust for wasm here: run \`rustup target add wasm32-wasip2\`, or on Debian \`apt-get install rustc-web cargo-web rust-web-src lld-22\`" >&2
    exit 1
fi
