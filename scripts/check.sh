#!/usr/bin/env bash
# What a change must satisfy besides its tests: format, lints, docs, scripts, dependencies.
#
#   scripts/check.sh
set -euo pipefail
. "$(dirname "$0")/usage.sh"
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$*"; }

scripts/setup.sh check

step "format"
cargo fmt --all --check
cargo fmt --check --manifest-path fuzz/Cargo.toml

step "lints"
cargo clippy --workspace --all-targets -- -D warnings

step "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet

step "scripts"
for script in .ci/run scripts/*.sh; do bash -n "$script"; done
silent=$(grep -L 'usage\.sh' scripts/*.sh || true)
[ -z "$silent" ] || { printf 'these know no --help (scripts/usage.sh):\n%s\n' "$silent"; exit 1; }
if command -v shellcheck >/dev/null; then shellcheck --exclude SC1091 .ci/run scripts/*.sh; fi

step "dependencies"
if cargo deny --version >/dev/null 2>&1; then
  # Also fetches what only other platforms use, which cargo-deny wants to read.
  cargo fetch --quiet
  cargo deny --offline --log-level error check licenses bans sources
else
  cargo run --quiet --package xtask -- dependencies
fi
echo "Advisories are not checked: their database is not in the package registry. With a network: cargo deny check advisories"

printf '\nAll checks passed.\n'
