#!/usr/bin/env bash
# A relay on this machine, to try it: it says what to type in two other terminals, and stays until Ctrl-C.
#
#   scripts/run.sh [FLAGS OF tradepost relay]
#
# Everything it and the two people keep is in build/try; delete that to begin anew.
set -euo pipefail
. "$(dirname "$0")/usage.sh"
cd "$(dirname "$0")/.."

scripts/setup.sh build
cargo build --package tradepost
mkdir -p build/try

# The relay names what it was called as, and this folder, in the lines to type.
export TRADEPOST_DATA=$PWD/build/try/people
program=${CARGO_TARGET_DIR:-$PWD/target}/debug/tradepost
exec "$program" relay --data build/try/relay "$@"
