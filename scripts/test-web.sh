#!/usr/bin/env bash
# Tests the web front end: format, lints, types, units, every page in Chromium against a core in memory, and a conversation
# through a real relay if target/debug/tradepost is there. Screenshots come to lie in web/shots.
#
#   scripts/test-web.sh [--quick]     --quick: without a browser
#
# CHROMIUM names another browser than /usr/bin/chromium; PAGES and LOOKS (lists with commas) choose from
# web/messenger/browser/pages.ts and pages.test.ts.
set -euo pipefail
. "$(dirname "$0")/usage.sh"
cd "$(dirname "$0")/.."

stop() { printf 'test-web: %s\n' "$*" >&2; exit 1; }

scripts/web.sh --fake messenger console
cd web
npm run --silent lint
npm run --silent check --workspace @tradepost/ui --workspace @tradepost/messenger --workspace @tradepost/console
npm test --silent
npm test --silent --workspace @tradepost/console
[ "${1:-}" != --quick ] || exit 0
[ -x "${CHROMIUM:-/usr/bin/chromium}" ] || stop "Chromium is missing: install the package chromium, or name one in CHROMIUM"
npm run --silent browser
npm run --silent browser --workspace @tradepost/console
