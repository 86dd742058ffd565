#!/usr/bin/env bash
# Makes the official Signal protocol package available for the interop tests and the benchmark.
#
#   scripts/official-package.sh [VERSION]
#
# Installs @signalapp/libsignal-client if it is not there yet, and prints, as the last line on
# stdout, the directory that holds peer.mjs, bench.mjs and their node_modules.
#
# Without VERSION (or with the pinned one): the version of the lock file, in interop/official.
# With another VERSION: that version, in build/official/VERSION, beside a copy of the scripts.
set -euo pipefail
. "$(dirname "$0")/usage.sh"

fail() {
  echo "official-package: $1" >&2
  exit 1
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
source_dir=$root/interop/official
build_dir=$root/build/official
package=@signalapp/libsignal-client

require_tools() {
  command -v node >/dev/null || fail "node is not installed; version 20 or later is needed."
  command -v npm >/dev/null || fail "npm is not installed; it comes with Node.js."
  node -e 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)' ||
    fail "node $(node --version) is too old; version 20 or later is needed."
}

# Several test binaries may call this at once; only one of them may install.
lock() {
  mkdir -p "$build_dir"
  if command -v flock >/dev/null; then
    exec 9>"$build_dir/lock"
    flock 9
  fi
}

# Runs npm in directory $1; its output goes to a log so that stdout stays the caller's.
# Install scripts stay off: the package ships prebuilt binaries and needs none.
run_npm() {
  local dir=$1 log=$build_dir/npm.log
  shift
  (cd "$dir" && npm "$@" --ignore-scripts --no-audit --no-fund) >"$log" 2>&1 9>&- ||
    fail "npm could not install $package; is the package registry reachable? (see ${log#"$root"/})"
}

pinned_version() {
  node -p 'JSON.parse(fs.readFileSync(process.argv[1])).dependencies[process.argv[2]]' \
    "$source_dir/package.json" "$package"
}

install_pinned() {
  # True also if nothing is installed yet.
  if [[ $source_dir/package-lock.json -nt $source_dir/node_modules/.package-lock.json ]]; then
    run_npm "$source_dir" ci
  fi
  echo "$source_dir"
}

# A copy, because module resolution follows a symbolic link back to the pinned version. Only
# changed files, and by renaming, so that a process just starting never reads half a file.
copy_scripts() {
  local dir=$1 file
  mkdir -p "$dir/operations"
  for file in $(cd "$source_dir" && echo .npmrc *.mjs operations/*.mjs); do
    cmp -s "$source_dir/$file" "$dir/$file" && continue
    cp "$source_dir/$file" "$dir/$file.new"
    mv "$dir/$file.new" "$dir/$file"
  done
}

install_other() {
  local version=$1 dir=$build_dir/$1
  copy_scripts "$dir"
  if [[ ! -e $dir/node_modules/.package-lock.json ]]; then
    echo '{"private": true, "type": "module"}' >"$dir/package.json"
    run_npm "$dir" install --save-exact "$package@$version"
  fi
  echo "$dir"
}

main() {
  (($# <= 1)) || fail "it takes at most one argument, a version (see --help)."
  require_tools
  local pinned version
  pinned=$(pinned_version)
  version=${1-$pinned}
  # Exact only: "latest" or a range would name a directory that goes stale.
  [[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || fail "$version is not a version such as $pinned."
  lock
  if [[ $version == "$pinned" ]]; then install_pinned; else install_other "$version"; fi
}

main "$@"
