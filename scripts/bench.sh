#!/usr/bin/env bash
# Measures the protocol on this machine, then against the official library.
#
#   scripts/bench.sh
#
# Only the comparison: scripts/bench-ratios.sh.
set -euo pipefail
. "$(dirname "$0")/usage.sh"
cd "$(dirname "$0")/.."

scripts/setup.sh test
cargo bench --package tradepost-signal
scripts/bench-ratios.sh
