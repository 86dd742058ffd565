#!/usr/bin/env bash
# Installs what the Node client in interop/client needs, if it is not there yet; says so when it does.
#
#   scripts/interop-client.sh
#
# Its tests then run with: cargo build -p tradepost && node --test interop/client/*.test.mjs
set -euo pipefail
. "$(dirname "$0")/usage.sh"
cd "$(dirname "$0")/.."

client=interop/client
log=build/interop-client.log

# Several may call this at once; only one of them may install.
mkdir -p build
if command -v flock >/dev/null; then
  exec 9>build/interop-client.lock
  flock 9
fi

# True also if nothing is installed yet.
if [[ $client/package-lock.json -nt $client/node_modules/.package-lock.json ]]; then
  echo "$client: installing its packages from the npm registry"
  # Install scripts stay off: the packages ship what they need.
  (cd "$client" && npm ci --ignore-scripts --no-audit --no-fund) >"$log" 2>&1 9>&- || {
    echo "interop-client: npm could not install the packages; is the package registry reachable? (see $log)" >&2
    exit 1
  }
fi
