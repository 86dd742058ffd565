#!/usr/bin/env bash
# Installs other parties' clients of the Cloud API into build/, if they are not there yet, and runs their conversations
# with `tradepost up`.
#
#   scripts/interop-cloud-api.sh
#
# TRADEPOST_BINARY names another binary than target/debug/tradepost.
set -euo pipefail
. "$(dirname "$0")/usage.sh"
cd "$(dirname "$0")/.."

wanted=interop/cloud-api/requirements.txt
if ! cmp -s "$wanted" build/pywa/installed.txt; then
  echo "interop/cloud-api: installing pywa into build/pywa"
  rm -rf build/pywa
  mkdir -p build
  python3 -m venv build/pywa
  build/pywa/bin/pip install --quiet --disable-pip-version-check --requirement "$wanted" >build/pywa.log 2>&1 || {
    echo "interop-cloud-api: pip could not install pywa; is the package registry reachable? (see build/pywa.log)" >&2
    exit 1
  }
  cp "$wanted" build/pywa/installed.txt
fi

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
exec ../../build/pywa/bin/python -B -W ignore -m unittest -v test_pywa test_sdk
