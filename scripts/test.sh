#!/usr/bin/env bash
# Everything that is tested, in the order that fails fastest. Needs no services and nothing to be configured.
#
#   scripts/test.sh
#
# What is missing on this machine is installed first, by scripts/setup.sh.
set -euo pipefail
. "$(dirname "$0")/usage.sh"
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$*"; }

scripts/setup.sh test

step "official library"
scripts/official-package.sh >/dev/null

step "packages of the second client"
scripts/interop-client.sh

step "WASM module"
scripts/wasm.sh

step "Web pages"
scripts/web.sh

step "Rust tests"
if cargo nextest --version >/dev/null 2>&1; then
  cargo nextest run --workspace --profile ci
else
  echo "cargo-nextest is not installed: using cargo test, which is slower and stops no test that hangs"
  cargo test --workspace --no-fail-fast --lib --bins --tests
fi
cargo test --workspace --doc --quiet
# For the other parties' clients: the binary that the Rust tests were built with.
export TRADEPOST_BINARY=${CARGO_TARGET_DIR:-target}/debug/tradepost

step "JavaScript tests"
node --test --test-reporter spec interop/official/*.test.mjs interop/wasm/*.test.mjs interop/client/*.test.mjs examples/notifications/*.test.mjs

step "Web core and pages in a browser"
npm run --silent browser --prefix web/core
# Every page in every look, and what people do there: scripts/test-web.sh, which takes some minutes.
scripts/test-web.sh --quick
(cd web && npx vitest run --config vitest.browser.config.ts messenger/browser/conversation.test.ts)

step "Conversations with other parties' clients"
scripts/interop-cloud-api.sh

printf '\nAll tests passed.\n'
