#!/usr/bin/env bash
# Fuzzes the targets of fuzz/ for a bounded time each, then prints what was tried and what crashed.
#
#   scripts/fuzz.sh [--seconds N] [target…]     default: every target, 30 seconds each
#
# Inputs that reach new code are kept in build/fuzz and used again by the next run; fuzz/corpus holds the
# seeds that are part of the repository. A crash leaves its input in fuzz/artifacts.
set -euo pipefail
. "$(dirname "$0")/usage.sh"
cd "$(dirname "$0")/.."

stop() { printf 'fuzz: %s\n' "$*" >&2; exit 1; }

seconds=30
targets=()
while [ $# -gt 0 ]; do
  case "$1" in
    --seconds) [[ "${2:-}" =~ ^[1-9][0-9]*$ ]] || stop "--seconds takes a whole number of seconds"; seconds=$2; shift 2 ;;
    -*) stop "usage: scripts/fuzz.sh [--seconds N] [target…]" ;;
    *) targets+=("$1"); shift ;;
  esac
done

scripts/setup.sh build
cargo +nightly --version >/dev/null 2>&1 ||
  stop "libFuzzer's instrumentation needs a nightly Rust, and none is installed: 'rustup toolchain install nightly' brings one."
if ! cargo fuzz --version >/dev/null 2>&1; then
  echo "fuzz: cargo-fuzz is missing: building it, which takes about half a minute"
  cargo install --quiet --locked cargo-fuzz --version ^0.13
fi

known=$(cargo +nightly fuzz list)
[ ${#targets[@]} -gt 0 ] || mapfile -t targets <<<"$known"
for target in "${targets[@]}"; do
  grep -qx -- "$target" <<<"$known" || stop "there is no target $target; there are: ${known//$'\n'/ }"
done

for target in "${targets[@]}"; do cargo +nightly fuzz build "$target"; done

mkdir -p build/fuzz
table=$(printf '%-20s %12s %8s %8s' target inputs kept crashes)
failed=no
for target in "${targets[@]}"; do
  printf '\n== %s, %s seconds\n' "$target" "$seconds"
  corpus=build/fuzz/$target
  artifacts=fuzz/artifacts/$target
  log=build/fuzz/$target.log
  mkdir -p "$corpus" "fuzz/corpus/$target" "$artifacts"
  before=$(find "$artifacts" -type f | wc -l)
  status=0
  cargo +nightly fuzz run "$target" "$corpus" "fuzz/corpus/$target" -- \
    -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 >"$log" 2>&1 || status=$?
  inputs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -n 1)
  crashes=$(($(find "$artifacts" -type f | wc -l) - before))
  if [ "$status" != 0 ]; then
    failed=yes
    grep -vE '^(INFO|#[0-9]+\s)' "$log" | tail -n 40
  fi
  table+=$'\n'$(printf '%-20s %12s %8s %8s' "$target" "${inputs:-?}" "$(find "$corpus" -type f | wc -l)" "$crashes")
done

printf '\n%s\n' "$table"
[ "$failed" = no ] || stop "at least one target did not finish cleanly; its log is build/fuzz/<target>.log."
