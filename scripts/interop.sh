#!/usr/bin/env bash
# Only the tests against the official library: both directions, live, and the recorded behaviour of its peer.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh test
scripts/official-package.sh >/dev/null
node --test --test-reporter spec interop/official/*.test.mjs
cargo test --package tradepost-signal --test 'interop*'
