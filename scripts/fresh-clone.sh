#!/usr/bin/env bash
# Before a release: does HEAD pass its tests in a folder that has never seen it?
#
#   scripts/fresh-clone.sh
set -euo pipefail
. "$(dirname "$0")/usage.sh"
cd "$(dirname "$0")/.."

[ -z "$(git status --porcelain)" ] || echo "fresh-clone: there are changes that are not committed; they are not tested"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
git clone --quiet --no-local . "$folder/tradepost"
cd "$folder/tradepost"
start=$SECONDS
status=0
# Nothing that an earlier build left behind, save what cargo and npm downloaded.
env -u CARGO_TARGET_DIR CI=true make test || status=$?
printf 'fresh-clone: make test of %s %s after %d seconds\n' "$(git rev-parse --short HEAD)" \
  "$([ "$status" = 0 ] && echo passed || echo FAILED)" $((SECONDS - start))
changed=$(git status --porcelain)
[ -z "$changed" ] || { printf 'fresh-clone: the tests changed or left files that git sees:\n%s\n' "$changed"; status=1; }
exit "$status"
