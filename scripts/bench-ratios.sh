#!/usr/bin/env bash
# Measures the official library, ours, and ours in WebAssembly by turns, in one run, and prints the ratios.
#
#   scripts/bench-ratios.sh [--rounds N] [--json] [VERSION]
#
# VERSION is another version of the official package than the pinned one.
set -euo pipefail
. "$(dirname "$0")/usage.sh"
cd "$(dirname "$0")/.."

arguments=() version=()
while [ $# -gt 0 ]; do
  case $1 in
    --rounds) arguments+=("$1" "${2:-}"); shift ;;
    -*) arguments+=("$1") ;;
    *) version=("$1") ;;
  esac
  shift
done

TRADEPOST_OFFICIAL=$(scripts/official-package.sh ${version[@]+"${version[@]}"} | tail -n 1)
export TRADEPOST_OFFICIAL
scripts/wasm.sh >/dev/null
cargo bench --quiet --package tradepost-signal --bench ratios -- ${arguments[@]+"${arguments[@]}"}
