#!/bin/sh
# What the public images' entrypoint does for the variables that the compose files set: on an empty
# data folder it makes the cluster, the user and the database, then runs the init folder's scripts.
set -eu

value_of() { # NAME: $NAME, or what the file named by $NAME_FILE holds
  plain='' file=''
  eval "plain=\${$1:-} file=\${$1_FILE:-}"
  if [ -n "$file" ]; then cat "$file"; else printf %s "$plain"; fi
}

if [ "$1" = postgres ] && [ ! -s "$PGDATA/PG_VERSION" ]; then
  user=$(value_of POSTGRES_USER) password=$(value_of POSTGRES_PASSWORD) database=$(value_of POSTGRES_DB)
  user=${user:-postgres} database=${database:-$user}
  [ -n "$password" ] || { echo 'POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE must be given' >&2; exit 1; }
  # Where the folder is not a volume of its own it still has to be closed to others.
  given=$(mktemp)
  printf '%s\n' "$password" > "$given"
  initdb --username="$user" --pwfile="$given" --auth-local=trust --auth-host=scram-sha-256 --encoding=UTF8
  rm -f "$given"
  echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"
  # Over the socket only, so that nobody finds a half-made database ready.
  pg_ctl -D "$PGDATA" -o "-c listen_addresses=''" -w start
  [ "$database" = postgres ] || createdb --username="$user" "$database"
  for script in /docker-entrypoint-initdb.d/*; do
    case $script in
      *.sql) psql -v ON_ERROR_STOP=1 --username="$user" --dbname="$database" -f "$script" ;;
      *.sh) POSTGRES_USER=$user POSTGRES_DB=$database sh "$script" ;;
    esac
  done
  pg_ctl -D "$PGDATA" -m fast -w stop
fi

[ "$1" = postgres ] || exec "$@"
shift
exec postgres -c listen_addresses='*' "$@"
