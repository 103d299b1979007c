#!/bin/sh
# Run once, by the entrypoint of the postgres images on an empty data folder, as POSTGRES_USER in POSTGRES_DB.
# Works on TimescaleDB and on plain PostgreSQL 15 and later. The services make their tables themselves.
#
# It is given as a file to /docker-entrypoint-initdb.d, never as the folder: TimescaleDB's image has scripts of
# its own there. Some entrypoints source a script instead of running it, hence the subshell.
(
set -eu
secret=${GRAFANA_PASSWORD_FILE:-/run/secrets/grafana_database_password}
[ -s "$secret" ] || { echo "no password for the role grafana: $secret is missing or empty" >&2; exit 1; }

# The password reaches psql by a file and the server over the socket: it is in no command line and in no
# environment. psql takes off the newline at its end.
export secret
psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --dbname="${POSTGRES_DB:-$POSTGRES_USER}" <<'SQL'
select exists (select from pg_available_extensions where name = 'timescaledb') as timescaledb \gset
\if :timescaledb
  create extension if not exists timescaledb;
\else
  \echo 'no TimescaleDB here: tables stay plain'
\endif

-- Grafana reads, whatever is asked of it.
\set password `cat "$secret"`
create role grafana login nosuperuser nocreatedb nocreaterole noreplication connection limit 10 password :'password';
alter role grafana set default_transaction_read_only = on;
alter role grafana set statement_timeout = '30s';

revoke create on schema public from public;
grant usage on schema public to grafana;
grant select on all tables in schema public to grafana;
-- Tables that the services make later, as the user that this runs as.
alter default privileges in schema public grant select on tables to grafana;
select format('revoke all on database %I from public', current_database()),
       format('grant connect on database %I to grafana', current_database()) \gexec
SQL
)
