#!/usr/bin/env bash
# Builds the web front end into web/dist: installs its packages, builds the core if it is not there, then the pages.
# What has not changed since the last time is not done again.
#
#   scripts/web.sh [--fake]
#
# --fake also builds web/dist/fake: the messenger with a core in memory, which the tests of its pages use.
set -euo pipefail
. "$(dirname "$0")/usage.sh"
cd "$(dirname "$0")/.."

say() { printf 'web: %s\n' "$*"; }
stop() { printf 'web: %s\n' "$*" >&2; exit 1; }

command -v npm >/dev/null || stop "npm is missing: scripts/setup.sh installs it"

# One line for the names and contents of all files that are given by the arguments of find.
sum() { find "$@" -type f -not -path '*/node_modules/*' -print0 2>/dev/null | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -d ' ' -f 1; }
# Whether $1 holds the line $2.
is() { [ -f "$1" ] && [ "$(cat "$1")" = "$2" ]; }

installed=web/node_modules/.installed
lock=$(sum web/package.json web/package-lock.json web/*/package.json)
if ! is "$installed" "$lock"; then
  say "installing packages"
  npm ci --prefix web --no-progress --loglevel=error
  printf '%s\n' "$lock" >"$installed"
fi

[ -f build/web-core/tradepost_core_bg.wasm ] || scripts/wasm.sh

inputs=$(sum web/ui web/core/src-ts web/messenger web/console build/web-core web/package-lock.json web/tsconfig.base.json)

# Builds the page in the folder $1 under the stamp $2, with the rest as arguments of vite.
page() {
  local folder=$1 stamp=web/dist/.$2
  shift 2
  [ -f "web/$folder/vite.config.ts" ] || return 0
  is "$stamp" "$inputs" && return 0
  say "building $folder"
  (cd "web/$folder" && npx --no-install vite build --logLevel warn "$@")
  mkdir -p web/dist
  printf '%s\n' "$inputs" >"$stamp"
}

page messenger messenger
page console console
if [ "${1:-}" = --fake ]; then page messenger fake --mode fake; fi
