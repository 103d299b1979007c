#!/bin/sh
# What lets Vault make the database's users: a group that owns what the services make, and a role that may add users to
# it and do nothing else. Run by the entrypoint of the postgres images on an empty data folder, behind 100-usdcop.sh;
# on a folder of an earlier version, once by hand: docs/stack.md. A second run changes nothing but the password of the role,
# which it sets to the secret's.
(
set -eu
secret=${VAULT_DATABASE_PASSWORD_FILE:-/run/secrets/vault_database_password}
[ -s "$secret" ] || { echo "no password for the role vault: $secret is missing or empty" >&2; exit 1; }

# As in 100-usdcop.sh: the password is in no command line and in no environment.
export secret
psql --no-psqlrc --quiet --tuples-only --set=ON_ERROR_STOP=1 \
  --username="${POSTGRES_USER:-usdcop}" --dbname="${POSTGRES_DB:-usdcop}" <<'SQL'
set client_min_messages = warning;
select not exists (select from pg_roles where rolname = 'usdcop_app') as without_app,
       not exists (select from pg_roles where rolname = 'vault') as without_vault \gset
\if :without_app
  create role usdcop_app nologin;
\endif
\if :without_vault
  create role vault login createrole nosuperuser nocreatedb noreplication connection limit 10;
\endif
\set password `cat "$secret"`
alter role vault password :'password';
grant usdcop_app to vault with admin option;

grant usage, create on schema public to usdcop_app;
select format('grant connect, temporary on database %I to usdcop_app', current_database()),
       format('grant connect on database %I to vault', current_database()) \gexec
-- Grafana reads what the services make.
alter default privileges for role usdcop_app in schema public grant select on tables to grafana;

-- What an earlier version made as the user that this runs as, but for what belongs to an extension. A sequence of a
-- table's own goes with its table.
create function pg_temp.is_part(class regclass, object oid, kinds text) returns boolean language sql as
  $$ select exists (select from pg_depend where classid = class and objid = object and deptype::text ~ kinds) $$;
select format('alter %s public.%I owner to usdcop_app', case relkind when 'S' then 'sequence' else 'table' end, relname)
  from pg_class
 where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'S') and relowner = current_user::regrole
   and not pg_temp.is_part('pg_class', oid, case relkind when 'S' then '[aie]' else 'e' end)
union all
select format('alter routine %s owner to usdcop_app', oid::regprocedure)
  from pg_proc
 where pronamespace = 'public'::regnamespace and proowner = current_user::regrole
   and not pg_temp.is_part('pg_proc', oid, 'e')
\gexec
SQL
)
