#!/usr/bin/env bash
# Builds the web front end into web/dist: installs its packages, builds the core if it is not there, then the pages.
# What has not changed since the last time is not done again.
#
#   scripts/web.sh [--fake] [messenger|console ...]     default: all of them
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

fake=
if [ "${1:-}" = --fake ]; then fake=yes; shift; fi
[ $# -gt 0 ] || set -- messenger console

# Builds app $1 by its script $2, if anything has changed since the last time.
build() {
  local app=$1 script=$2 stamp=web/dist/.$1-$2 inputs
  [ -f "web/$app/package.json" ] || return 0
  inputs=$(sum web/ui web/core/src-ts "web/$app" build/web-core web/package-lock.json web/tsconfig.base.json)
  is "$stamp" "$inputs" && return 0
  say "building $app${script#build}"
  npm run --silent "$script" --prefix "web/$app" -- --logLevel warn
  mkdir -p web/dist
  printf '%s\n' "$inputs" >"$stamp"
}

for app in "$@"; do build "$app" build; done
if [ -n "$fake" ]; then build messenger build:fake; fi
# What the binary embeds.
node web/embed.mjs
