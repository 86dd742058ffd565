#!/usr/bin/env bash
# Only the tests against the official library, live, and those of the peer that it runs in.
#
#   scripts/interop.sh [VERSION]
#
# VERSION is another version of the official package than the pinned one, newer or older.
set -euo pipefail
. "$(dirname "$0")/usage.sh"
cd "$(dirname "$0")/.."

scripts/setup.sh test
TRADEPOST_OFFICIAL=$(scripts/official-package.sh "$@" | tail -n 1)
export TRADEPOST_OFFICIAL
echo "official library: $(cd "$TRADEPOST_OFFICIAL" && node --input-type=module -e "import { packageVersion } from './version.mjs'; console.log(packageVersion())")"
node --test "$TRADEPOST_OFFICIAL"/*.test.mjs
cargo test --package tradepost-signal --test interop
