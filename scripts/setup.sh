#!/usr/bin/env bash
# Installs what building and testing need and says what it does; silent when nothing is missing.
#
#   scripts/setup.sh [build|run|test|check]     default: test; each includes build
#
# A new need is one line in the table below.
set -euo pipefail
. "$(dirname "$0")/usage.sh"
cd "$(dirname "$0")/.."

# group  command  at least  Debian package   what needs it
needs='
  build  cc           -     build-essential  cargo, to link
  run    node         20    nodejs           the pages of messenger and console, and the tests of the WASM module
  run    npm          -     npm              their packages, and the official library that tests fetch
  test   chromium     -     chromium         the tests of the pages, in a real browser
  test   openssl      -     openssl          the tests of TLS, which make a certificate
  test   initdb       15    postgresql       the tests of the store, which start a PostgreSQL of their own
  test   nats-server  -     nats-server      the tests of the store, which start a NATS of their own
'
# group    rustup component
components='
  check    clippy
  check    rustfmt
'

goal=${1:-test}

say() { printf 'setup: %s\n' "$*"; }
stop() { printf 'setup: %s\n' "$*" >&2; exit 1; }
wanted() { [ "$1" = build ] || [ "$1" = "$goal" ] || { [ "$1" = run ] && [ "$goal" = test ]; }; }

# Whether command $1 is there, in major version $2 or newer.
have() {
  # Debian keeps servers out of the path of people, and PostgreSQL's programs out of everybody's.
  local PATH="$PATH:/usr/sbin$(printf ':%s' /usr/lib/postgresql/*/bin)"
  command -v "$1" >/dev/null || return 1
  [ "$2" = - ] || [ "$("$1" --version | grep -oE '[0-9]+' | head -n 1)" -ge "$2" ]
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif [ -t 0 ]; then sudo "$@"
  else sudo -n "$@"; fi
}

# Installs package $1, which should bring command $2 in version $3, for $4.
install_package() {
  local what="$2"
  [ "$3" = - ] || what="$2 $3 or newer"
  command -v apt-get >/dev/null || stop "$what is missing, for $4; this system has no apt-get, so please install it yourself and run this again."
  [ "$(id -u)" = 0 ] || command -v sudo >/dev/null || stop "$what is missing, for $4; run this as root, or install the package $1 yourself."
  say "$what is missing, for $4: installing the package $1"
  if [ -z "${updated:-}" ]; then
    as_root apt-get update -qq || stop "apt-get update failed (no network, or no right to use sudo): please install $what yourself and run this again."
    updated=yes
  fi
  # Better no package than one too old.
  local offered
  offered=$(apt-cache policy "$1" | sed -nE 's/^ *Candidate: ([0-9]+:)?([0-9]+).*/\2/p')
  [ "$3" = - ] || [ "${offered:-0}" -ge "$3" ] ||
    stop "$what is missing, for $4, and the package $1 of this system is ${offered:-not there}: please install it yourself (Node from nodejs.org) and run this again."
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$1" >/dev/null ||
    stop "apt-get could not install $1: please install $what yourself and run this again."
  hash -r
  have "$2" "$3" || stop "the package $1 of this system does not bring $what: please install it yourself and run this again."
}

while read -r group command least package purpose <&3; do
  [ -n "$group" ] && wanted "$group" || continue
  have "$command" "$least" || install_package "$package" "$command" "$least" "$purpose"
done 3<<<"$needs"

# Python is mostly there; what makes folders for its packages is a package of its own.
if wanted test && ! python3 -c 'import ensurepip' 2>/dev/null; then
  install_package python3-venv python3 3 "the conversations with other parties' clients of the Cloud API"
fi

# Rust is not Debian's, which is too old, and not ours to install into somebody's home unasked.
command -v cargo >/dev/null || stop "Rust is missing: please install it as https://rustup.rs describes and run this again."
needed=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
version=$(rustc --version 2>&1) || stop "rustc does not start ($version): please run 'rustup toolchain install stable' and run this again."
version=$(cut -d ' ' -f 2 <<<"$version")
[ "$(printf '%s\n' "$needed" "$version" | sort -V | head -n 1)" = "$needed" ] ||
  stop "Rust $needed or newer is needed and this is $version: please run 'rustup update stable' and run this again."

while read -r group component <&3; do
  [ -n "$group" ] && wanted "$group" || continue
  command -v "cargo-${component#rust}" >/dev/null && cargo "${component#rust}" --version >/dev/null 2>&1 && continue
  command -v rustup >/dev/null || stop "$component is missing: please install it with your Rust and run this again."
  say "$component is missing, for make check: adding it to the toolchain"
  rustup component add "$component" || stop "rustup could not add $component."
done 3<<<"$components"
