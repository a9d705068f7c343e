#!/usr/bin/env bash
# A team's MLflow: PostgreSQL with `mlflow server` in front of it, in the foreground until it is ended.
# All of it is in one folder. PostgreSQL answers on a socket there, in a folder that is closed to all
# others, so there is no password to keep. docs/team.md tells the rest.
set -euo pipefail

if [ $# -lt 1 ]; then
    echo "run: $0 FOLDER [PORT]" >&2
    exit 1
fi
folder=$(realpath -m -- "$1")
port=${2:-5000}
host=${SURNAMES_HOST:-127.0.0.1} # where to listen
names=${SURNAMES_NAMES:-127.0.0.1:$port,localhost:$port} # MLflow refuses a call by any other name

debian=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1) # where Debian has PostgreSQL
PATH=$(dirname "$(realpath -- "$0")")/../.venv/bin:$PATH:$debian
for command in initdb pg_ctl psql createdb mlflow; do
    if ! command -v "$command" >/dev/null; then
        echo "error: no $command here; 'apt-get install postgresql' and 'make setup' bring it" >&2
        exit 1
    fi
done

database() { # database COMMAND...: as root, which PostgreSQL refuses, as the user of Debian's package
    if [ "$(id -u)" -eq 0 ]; then
        (cd / && runuser -u postgres -- env PATH="$PATH" PGHOST="$folder/postgresql" "$@")
    else
        (cd / && PGHOST="$folder/postgresql" "$@")
    fi
}

mkdir -p "$folder/artifacts" "$folder/postgresql"
chmod 700 "$folder/artifacts" "$folder/postgresql"
if [ "$(id -u)" -eq 0 ]; then chown postgres "$folder/postgresql"; fi
data=$folder/postgresql/data
if [ ! -f "$data/PG_VERSION" ]; then
    database initdb --pgdata="$data" --username=mlflow --auth-local=trust --auth-host=reject \
        --encoding=UTF8 --locale=C.UTF-8 >/dev/null
fi

server=
stop() {
    if [ -n "$server" ]; then
        kill "$server" 2>/dev/null || true
        wait "$server" || true
    fi
    database pg_ctl --pgdata="$data" --mode=fast --silent stop
}
database pg_ctl --pgdata="$data" --log="$folder/postgresql/log" --wait --silent \
    --options="-c listen_addresses= -c unix_socket_directories='$folder/postgresql'" start
trap stop EXIT
trap 'exit 0' INT TERM
there="select 1 from pg_database where datname = 'mlflow'"
if [ -z "$(database psql --username=mlflow --dbname=postgres -tAc "$there")" ]; then
    database createdb --username=mlflow mlflow
fi

# two workers and no job runners: a fifth of the memory
export MLFLOW_DISABLE_TELEMETRY=true MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false
cd "$folder"
mlflow server --backend-store-uri "postgresql://mlflow@/mlflow?host=$folder/postgresql" \
    --serve-artifacts --artifacts-destination "file://$folder/artifacts" \
    --host "$host" --port "$port" --allowed-hosts "$names" --workers 2 \
    --uvicorn-opts "--log-level warning" &
server=$!
wait "$server"
