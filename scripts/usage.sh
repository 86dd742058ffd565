# For the other scripts to source: . "$(dirname "$0")/usage.sh"
# With --help they then print the comment they begin with, and do nothing else.
# shellcheck shell=bash
case ${1:-} in
  -h | --help) sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; exit 0 ;;
esac
