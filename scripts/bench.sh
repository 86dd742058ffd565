#!/usr/bin/env bash
# Measures the protocol on this machine, then against the official library.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh test
cargo bench --package tradepost-signal
scripts/bench-ratios.sh
