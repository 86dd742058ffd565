#!/usr/bin/env bash
# Kills relays, hosts and clients at random moments under load and counts what was acknowledged and is not there.
#
#   scripts/crash.sh [ROUNDS]     default: 200 on each ground; make test does 20
set -euo pipefail
. "$(dirname "$0")/usage.sh"
cd "$(dirname "$0")/.."

scripts/setup.sh test
export CRASH_ROUNDS=${1:-200}
cargo test --release -p tradepost-relay --test sockets -- --nocapture --test-threads 1 crash::
cargo test --release -p tradepost --test it -- --nocapture --test-threads 1 outbox::
cargo run --release -p tradepost -- bench host --tests kill --kills "$CRASH_ROUNDS" --customers 100 --connections 20 --under-way 200
