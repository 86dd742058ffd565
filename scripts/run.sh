#!/usr/bin/env bash
# The shortest way to see this at work. Needs nothing but Rust and a linker.
#
#   scripts/run.sh
#
# It compiles the package `conversation` and runs it: two devices hold an encrypted conversation.
set -euo pipefail
. "$(dirname "$0")/usage.sh"
cd "$(dirname "$0")/.."

scripts/setup.sh build
cargo run --release --package conversation

cat <<'END'

What to open and try next:
  examples/conversation/src/main.rs           the program you just saw: change a message, run it again
  cargo doc --open --no-deps -p tradepost-signal   what the crate offers, with examples
  make test                                   everything, against the official library too
  make bench                                  how fast it is on this machine
  make                                        all the rest
END
