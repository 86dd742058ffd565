#!/usr/bin/env bash
# A relay, a host, a sample business and a sample customer on this machine: it says what to try in another terminal, and
# stays until Ctrl-C.
#
#   scripts/run.sh [FLAGS OF tradepost up]
#
# Everything is kept in build/try/up; delete that to begin anew. What programs need is in build/try/up/demo.json.
set -euo pipefail
. "$(dirname "$0")/usage.sh"
cd "$(dirname "$0")/.."

scripts/setup.sh run
scripts/web.sh
cargo build --package tradepost
mkdir -p build/try

# It is named in the lines to type as it was called.
export TRADEPOST_LOG=${TRADEPOST_LOG:-warn}
program=${CARGO_TARGET_DIR:-target}/debug/tradepost
exec "$program" up --data build/try/up "$@"
