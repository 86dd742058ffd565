#!/usr/bin/env bash
# Builds the WASM face of the protocol (interop/wasm) into build/wasm: node/ for Node, web/ for browsers; and the core of the
# web front end (web/core) into build/web-core.
#
#   scripts/wasm.sh [--fallback]
#
# The toolchain is rustup's with its wasm32 target. Where rustup cannot add that target, as where only a
# package mirror can be reached, Debian's compiler for the web is unpacked into build/rust-web and used
# instead; --fallback asks for that. rust-toolchain.toml names no target, for the sake of such machines.
set -euo pipefail
. "$(dirname "$0")/usage.sh"
cd "$(dirname "$0")/.."

target=wasm32-unknown-unknown
module=tradepost_signal.wasm
core=tradepost_core.wasm
web=$PWD/build/rust-web

say() { printf 'wasm: %s\n' "$*"; }
stop() { printf 'wasm: %s\n' "$*" >&2; exit 1; }

fallback=no
case "${1:-}" in
  '') ;;
  --fallback) fallback=yes ;;
  *) stop "usage: scripts/wasm.sh [--fallback]" ;;
esac

# Whether the compiler in use can build for the target, after adding it if need be.
has_target() {
  [ -d "$(rustc --print target-libdir --target "$target")" ] && return
  command -v rustup >/dev/null || return
  say "adding the target $target to the toolchain"
  rustup target add "$target"
}

# SIMD is in every browser that is kept up to date (Chrome 91, Firefox 89, Safari 16.4) and in Node: it saves a tenth
# of the time of setting a session up and a fifth of an encryption's, for the hashes use it. At the third level of
# optimisation the KEM's loops are unrolled into a third of the whole module, and gain a session's start only 7 percent.
# The core of the web is loaded before a page can be used: there every byte counts (profile "web").
build() (
  export RUSTFLAGS="${RUSTFLAGS:-} -C target-feature=+simd128"
  cargo build --release --package tradepost-signal-wasm --target "$target" \
    --config 'profile.release.package.libcrux-ml-kem.opt-level = 2' "$@"
  cargo build --profile web --package tradepost-web-core --target "$target" "$@"
)

# Debian's compiler, cargo and library sources for the web: unpacked, because installing them would put a
# second rustc in front of rustup's. All of one version, since the library's sources must match the compiler.
unpack_compiler() {
  [ -e "$web/complete" ] && return
  command -v apt-get >/dev/null || stop "rustup cannot add $target and this system has no apt-get to take another compiler from."
  say "unpacking Debian's Rust compiler for the web into build/rust-web"
  rm -rf "$web"
  mkdir -p "$web/packages" "$web/root"
  # The package lists may be missing or stale; refreshing them takes root, using them does not.
  if [ "$(id -u)" = 0 ]; then apt-get update -qq || true
  elif command -v sudo >/dev/null; then sudo -n apt-get update -qq || true; fi
  local missing
  missing=$(apt-get install --simulate --reinstall --no-install-recommends rustc-web cargo-web rust-web-src |
    awk '$1 == "Inst" && $2 !~ /^(libc6|gcc|g\+\+|cpp|binutils)/ { print $2 }') ||
    stop "rustup cannot add $target and apt-get does not know the package rustc-web."
  (cd "$web/packages" && xargs apt-get download -qq -o APT::Sandbox::User="$(id -un)" <<<"$missing") ||
    stop "apt-get could not download Debian's compiler."
  for package in "$web"/packages/*.deb; do dpkg -x "$package" "$web/root"; done
  # Of the sources only the library is built; the rest is half a gigabyte.
  rm -rf "$web/packages" "$web"/root/usr/src/*/{compiler,src}
  touch "$web/complete"
}

build_with_fallback() {
  unpack_compiler
  # Debian's compiler has no linker for the web; the one in every rustup toolchain is asked for by its path.
  local lld
  lld=$(find "$(rustc --print sysroot)" -name rust-lld -type f | head -n 1)
  [ -n "$lld" ] || lld=$(command -v wasm-ld || command -v lld) || stop "neither rust-lld nor lld is there to link with."
  local root=$web/root/usr
  # -Z build-std builds the standard library too, of which Debian ships only the sources for this target.
  PATH=$root/bin:$PATH RUSTC=$root/bin/rustc RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR=$web/target \
    LD_LIBRARY_PATH=$root/lib/$(uname -m)-linux-gnu \
    CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$lld \
    build -Z build-std=std,panic_abort
}

if [ "$fallback" = no ] && has_target; then
  build
  built=${CARGO_TARGET_DIR:-target}
else
  build_with_fallback
  built=$web/target
fi
cargo run --quiet --package xtask -- bind "$built/$target/release/$module" build/wasm
# Of the core only the face for browsers is wanted. It is put in place when it is whole: a page may be loading it.
cargo run --quiet --package xtask -- bind "$built/$target/web/$core" build/web-core/bound
mv build/web-core/bound/web/* build/web-core/
rm -r build/web-core/bound
say "build/web-core: $(wc -c <build/web-core/tradepost_core_bg.wasm) bytes of WASM, $(gzip -9c build/web-core/tradepost_core_bg.wasm | wc -c) compressed"
