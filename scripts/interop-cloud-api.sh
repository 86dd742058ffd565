#!/usr/bin/env bash
# Installs other parties' clients of the Cloud API into build/, if they are not there yet, and runs their conversations
# with `tradepost up`; has two businesses ask with each other's ids; and lets schemathesis make up requests from the API's
# description.
#
#   scripts/interop-cloud-api.sh
#
# TRADEPOST_BINARY names another binary than target/debug/tradepost.
set -euo pipefail
. "$(dirname "$0")/usage.sh"
cd "$(dirname "$0")/.."

# Installs the pinned packages of a file into an environment of their own in build/, unless they are there.
environment() {
  local wanted=interop/cloud-api/$1.txt place=build/$2
  cmp -s "$wanted" "$place/installed.txt" && return
  echo "interop/cloud-api: installing $2 into $place"
  rm -rf "$place"
  mkdir -p build
  python3 -m venv "$place"
  "$place/bin/pip" install --quiet --disable-pip-version-check --requirement "$wanted" >"$place.log" 2>&1 || {
    echo "interop-cloud-api: pip could not install $2; is the package registry reachable? (see $place.log)" >&2
    exit 1
  }
  cp "$wanted" "$place/installed.txt"
}
environment requirements pywa
environment schemathesis schemathesis

sdk=interop/cloud-api/sdk
if [[ $sdk/package-lock.json -nt $sdk/node_modules/.package-lock.json ]]; then
  echo "$sdk: installing its packages from the npm registry"
  (cd "$sdk" && npm ci --ignore-scripts --no-audit --no-fund) >build/interop-sdk.log 2>&1 || {
    echo "interop-cloud-api: npm could not install the packages; is the package registry reachable? (see build/interop-sdk.log)" >&2
    exit 1
  }
fi

TRADEPOST_BINARY=$(realpath "${TRADEPOST_BINARY:-${CARGO_TARGET_DIR:-target}/debug/tradepost}")
export TRADEPOST_BINARY
cd interop/cloud-api
exec ../../build/pywa/bin/python -B -W ignore -m unittest -v test_pywa test_sdk test_readme test_foreign test_schema
