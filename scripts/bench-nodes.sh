#!/usr/bin/env bash
# Measures two relay nodes on a PostgreSQL and a NATS of their own, which it starts and stops.
#
#   scripts/bench-nodes.sh [FLAGS of tradepost bench relay]
#
# Examples:
#   scripts/bench-nodes.sh
#   scripts/bench-nodes.sh --tests online --seconds 20
set -euo pipefail
. "$(dirname "$0")/usage.sh"
cd "$(dirname "$0")/.."

scripts/setup.sh test
cargo build --release -p tradepost
folder=$(mktemp -d)
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
postgres_port=$(free_port)
nats_port=$(free_port)
programs=$(ls -d /usr/lib/postgresql/*/bin | tail -1)
as_postgres=()
if [ "$(id -u)" = 0 ]; then
  as_postgres=(setpriv --reuid=postgres --regid=postgres --clear-groups)
  chown postgres:postgres "$folder"
fi
finish() {
  "${as_postgres[@]}" "$programs/pg_ctl" --pgdata "$folder/data" --mode immediate stop >/dev/null 2>&1 || true
  [ -z "${nats:-}" ] || kill "$nats" 2>/dev/null || true
  rm -rf "$folder"
}
trap finish EXIT
(
  cd "$folder"
  "${as_postgres[@]}" "$programs/initdb" --username bench --auth trust --encoding UTF8 --no-locale --pgdata data >/dev/null
  "${as_postgres[@]}" "$programs/pg_ctl" --pgdata data --log "$folder/log" --wait \
    --options "-p $postgres_port -c listen_addresses=127.0.0.1 -c unix_socket_directories=$folder -c max_connections=200" start >/dev/null
)
PATH=$PATH:/usr/sbin nats-server -a 127.0.0.1 -p "$nats_port" >/dev/null 2>&1 &
nats=$!
target/release/tradepost bench relay --nodes 2 --tests online,store,drain \
  --postgres "postgres://bench@127.0.0.1:$postgres_port/postgres" --nats "nats://127.0.0.1:$nats_port" "$@"
