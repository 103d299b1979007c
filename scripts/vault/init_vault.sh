#!/bin/sh
# Makes a running, unsealed Vault or OpenBao ready: KV version 2 at secret/, AppRole, a policy and a role for each
# service, users of the database, an audit log. A second run changes nothing. It writes no secret to disk, but for wrapped
# secret ids that live five minutes, where it is asked for them.
#
#   VAULT_ADDR, VAULT_TOKEN   where, and a token that may do all that; without one it says what to do
#   VAULT_POLICIES            folder of the policies, /vault/policies
#   VAULT_WAIT_SECONDS        how long to wait for the server, 120
#   VAULT_AUDIT_FILE          where Vault keeps its audit log, /vault/logs/audit.log; OpenBao's configuration says it
#   VAULT_SEEDS_FILE          NAME=VALUE lines whose secrets move to Vault; a path that holds anything stays as it is
#   VAULT_DATABASE_HOST       with it and VAULT_DATABASE_PASSWORD among the seeds, Vault makes users in PostgreSQL there, as
#   VAULT_DATABASE_PORT       its role `vault` (config/postgres/init/110-vault.sh), port 5432 unless given, in the database
#   VAULT_DATABASE_NAME       of this name, usdcop unless given; where Vault knows a database already it stays as it is
#   VAULT_DATABASE_ROTATE_ROOT  yes: Vault then gives that role a password that nobody else knows
#   VAULT_ISSUE               role for which a wrapped secret id is written to
#   VAULT_ISSUE_FOLDER        this folder: ROLE.role-id and ROLE.wrapped-secret-id
#   VAULT_ISSUE_CIDR          addresses, separated by commas, that it may log in from
#   VAULT_INIT_MARKER         file that is there once all is done, /tmp/vault-init-done; its token is kept beside it
#
# As a container's command it stays when it is done, so that it can be run again with `exec`; --stay and --once say
# so explicitly. VAULT_INIT_MARKER tells the health check. Whoever has read the secret id keeps it as `secret-id` in that
# folder; while this stays, it writes another one wherever there is none. Without VAULT_TOKEN it does so with a token that can
# do nothing else, once it was run by `exec` with one that can.
set -u

marker=${VAULT_INIT_MARKER:-/tmp/vault-init-done}
issuer=$marker.token
policies=${VAULT_POLICIES:-/vault/policies}
wait_seconds=${VAULT_WAIT_SECONDS:-120}
export VAULT_CLIENT_TIMEOUT="${VAULT_CLIENT_TIMEOUT:-5s}" VAULT_MAX_RETRIES=0

# The first process of a container, or the child of its init, is its command; what `exec` starts is neither.
stay=no
[ "$$" -ne 1 ] && [ "$PPID" -ne 1 ] || stay=yes
case ${1:-} in
  --stay) stay=yes ;;
  --once) stay=no ;;
  '') ;;
  *) echo "usage: init_vault.sh [--stay | --once]" >&2; exit 64 ;;
esac

say() { echo "vault-init: $*"; }
warn() { echo "vault-init: $*" >&2; }
fail() { warn "$*"; exit 1; }

# A shell hears signals between commands only, or in `wait`: so every command that may take time is waited for.
child=
ended() {
  [ -z "$child" ] || kill "$child" 2> /dev/null
  exit 143
}
trap ended TERM INT
run() {
  "$@" &
  child=$!
  wait "$child"
  status=$?
  child=
  return "$status"
}

cli=
for name in vault bao; do
  if command -v "$name" > /dev/null; then cli=$name; break; fi
done
[ -n "$cli" ] || fail 'neither vault nor bao is installed here'

# What is asked is read from a pipe, in a shell of its own that can be waited for.
holds() { # PATTERN COMMAND...
  # shellcheck disable=SC2016 # expanded by the inner shell
  run sh -c 'pattern=$1; shift; "$@" 2> /dev/null | grep -q "$pattern"' sh "$@"
}
must() {
  run "$@" > /dev/null || fail "failed: $*"
}

# A wrapping token opens once and lives five minutes; whoever finds it opened already knows that somebody else has it.
# What stands in the folder is the reader's: its group may read it, where the folder hands its group on.
issue() {
  # shellcheck disable=SC2016 # expanded by the inner shell
  run sh -c '
    umask 027
    cli=$1 path=auth/approle/role/$2 to=$3/$2 cidr=$4
    "$cli" read -field=role_id "$path/role-id" > "$to.new" && mv "$to.new" "$to.role-id" &&
      if [ -n "$cidr" ]; then set -- "$path/secret-id" "cidr_list=$cidr" "token_bound_cidrs=$cidr"
      else set -- -f "$path/secret-id"; fi &&
      "$cli" write -wrap-ttl=300s -field=wrapping_token "$@" > "$to.new" && mv "$to.new" "$to.wrapped-secret-id"
  ' sh "$cli" "$VAULT_ISSUE" "$VAULT_ISSUE_FOLDER" "${VAULT_ISSUE_CIDR:-}" || return 1
  say "a wrapped secret id for $VAULT_ISSUE is in $VAULT_ISSUE_FOLDER, for five minutes"
}
# One that nobody has opened is taken away before its end, after which it would look like one that was stolen.
issue_where_none_is() {
  wrapped=$VAULT_ISSUE_FOLDER/$VAULT_ISSUE.wrapped-secret-id
  if [ -n "$(find "$wrapped" -prune -mmin +3 2> /dev/null)" ]; then rm -f "$wrapped"; fi
  if [ -e "$wrapped" ] || [ -e "$VAULT_ISSUE_FOLDER/secret-id" ]; then return 0; fi
  run "$cli" status > /dev/null 2>&1 || return 0
  issue || warn "no secret id for $VAULT_ISSUE could be made"
}

# Ends with 1 where Vault answers and has no AppRole, and with 0 where it has one or does not answer.
remembers() {
  # shellcheck disable=SC2016 # expanded by the inner shell
  run sh -c 'methods=$("$1" auth list -format=json 2> /dev/null) || exit 0; case $methods in *\"approle/\"*) ;; *) exit 1 ;; esac' sh "$cli"
}

# Looks after the broker's credential, and whether Vault still knows what was set up: a server in development mode forgets
# all of it when it restarts. Ending lets this container be started again, which makes it anew.
look_after() {
  rounds=0
  while :; do
    run sleep 3
    if [ "$own_token" = yes ]; then
      remembers || { rm -f "$marker"; fail 'Vault has forgotten what was set up'; }
    else
      # Written by whoever runs this by `exec`; it lives a day longer with each renewal.
      [ -s "$issuer" ] || continue
      VAULT_TOKEN=$(cat "$issuer")
      export VAULT_TOKEN
      [ $((rounds % 1200)) -ne 0 ] || run "$cli" token renew > /dev/null 2>&1 || warn 'its token could not be renewed'
      rounds=$((rounds + 1))
    fi
    [ -z "${VAULT_ISSUE:-}" ] || issue_where_none_is
  done
}

own_token=yes
[ -z "${VAULT_TOKEN:-}" ] || rm -f "$marker"
if [ -z "${VAULT_TOKEN:-}" ]; then
  own_token=no
  say 'no VAULT_TOKEN, so there is nothing that this can do by itself. An operator does, once:'
  say '  docker-compose -f docker-compose.infrastructure.yml exec vault vault operator init'
  say '  docker-compose -f docker-compose.infrastructure.yml exec vault vault operator unseal     # per key'
  say '  docker-compose -f docker-compose.infrastructure.yml exec -e VAULT_TOKEN vault-init /vault/scripts/init_vault.sh'
  say 'The keys go to the people who keep them, and to no file on this machine.'
  [ "$stay" = no ] || look_after
  exit 1
fi

# `status` ends with 0 once the server is unsealed, 2 while it is sealed, 1 while it does not answer.
waited=0
until run "$cli" status > /dev/null 2>&1; do
  [ "$waited" -lt "$wait_seconds" ] || fail "no unsealed Vault at ${VAULT_ADDR:-its default address} after $wait_seconds s"
  waited=$((waited + 1))
  run sleep 1
done

# Without a log of who read what nothing is set up. OpenBao takes its audit devices from its configuration alone, Vault
# from its API alone, so this asks, tries and asks again. A server in memory forgets its log with all the rest.
audited() { holds '"type"' "$cli" audit list -format=json; }
if audited; then
  :
elif holds '"storage_type": *"inmem"' "$cli" status -format=json; then
  say 'no audit log: this server keeps all it has in memory'
elif run "$cli" audit enable file "file_path=${VAULT_AUDIT_FILE:-/vault/logs/audit.log}" > /dev/null 2>&1 && audited; then
  say 'the audit log is on'
else
  fail 'no audit log, and none can be made here: config/vault/vault.hcl declares one for OpenBao'
fi

if holds '"secret/"' "$cli" secrets list -format=json; then
  holds 'version:2' "$cli" read -field=options sys/mounts/secret || fail 'secret/ is in use and is not KV version 2'
else
  must "$cli" secrets enable -path=secret -version=2 kv
  say 'KV version 2 is at secret/'
fi
# Each question costs a start of the program, so one that has nothing yet is not asked what it has.
fresh=no
if ! holds '"approle/"' "$cli" auth list -format=json; then
  fresh=yes
  must "$cli" auth enable approle
  say 'AppRole is on'
fi

for file in "$policies"/*.hcl; do
  [ -f "$file" ] || fail "no policies in $policies"
  name=$(basename "$file" .hcl)
  # Writing the same again would make a new version of it.
  # shellcheck disable=SC2016 # expanded by the inner shell
  [ "$fresh" = no ] && run sh -c '[ "$("$1" policy read "$2" 2> /dev/null)" = "$(cat "$3")" ]' sh "$cli" "$name" "$file" ||
    must "$cli" policy write "$name" "$file"
done

# So that the token an operator keeps can live as long as the authority, ten years. Tokens got by a login have their role's life.
must "$cli" auth tune -max-lease-ttl=87600h token/

# A token lives an hour and is renewed until its longest life; then its holder logs in again. A person or an orchestrator
# has a secret id for a day; a service gets one from the broker for each login, and the broker makes its own anew.
role() { # NAME LONGEST_LIFE SECRET_ID_LIFE SECRET_ID_USES
  must "$cli" write "auth/approle/role/$1" "token_policies=$1-policy" token_no_default_policy=true \
    token_type=service token_ttl=1h "token_max_ttl=$2" "secret_id_ttl=$3" "secret_id_num_uses=$4" bind_secret_id=true
}
role trading 4h 24h 0
role airflow 8h 24h 0
role feature-server 4h 10m 1
role materializer 4h 10m 1
role inference-gateway 4h 10m 1
role demo-feed 4h 10m 1
role secrets-broker 24h 24h 0

# Of NAME=VALUE lines, FIELD/VARIABLE... as a JSON object; a field whose variable ends with ? may be missing. Ends with 3 where
# a part is missing, with 4 where all of it is.
json_of_seeds='
  BEGIN {
    fields = split(wanted, pairs, " ")
    for (i = 1; i <= fields; i++) {
      split(pairs[i], pair, "/")
      if (sub(/[?]$/, "", pair[2])) optional[i] = 1
      name[i] = pair[1]
      of[pair[2]] = i
    }
  }
  { sub(/\r$/, ""); sub(/^export[ \t]+/, "") }
  /^[A-Za-z_][A-Za-z0-9_]*=/ {
    variable = value = $0
    sub(/=.*/, "", variable)
    sub(/^[^=]*=/, "", value)
    if (value ~ /^".*"$/ || value ~ /^\047.*\047$/) value = substr(value, 2, length(value) - 2)
    if (!(variable in of) || value == "") next
    gsub(/\\/, "\\\\\\\\", value)
    gsub(/"/, "\\\\\"", value)
    gsub(/\t/, "\\\\t", value)
    text[of[variable]] = value
    found = 1
  }
  END {
    if (!found) exit 4
    for (i = 1; i <= fields; i++) if (!(i in text) && !(i in optional)) exit 3
    printf "{"
    for (i = 1; i <= fields; i++)
      if (i in text) { printf "%s\"%s\":\"%s\"", comma, name[i], text[i]; comma = "," }
    print "}"
  }'
# What is given to a command everybody can read, so that goes by standard input: COMMAND... reads the object of FIELD/VARIABLE...
with_seeds() { # "FIELD/VARIABLE..." COMMAND...
  # shellcheck disable=SC2016 # expanded by the inner shell
  run sh -c '
    program=$1 file=$2 wanted=$3
    shift 3
    json=$(awk -v wanted="$wanted" "$program" "$file") || exit $?
    printf "%s" "$json" | "$@" > /dev/null
  ' sh "$json_of_seeds" "${VAULT_SEEDS_FILE:-/dev/null}" "$@"
}

# PATH FIELD/VARIABLE...: moves to Vault once. Half a secret is none: where a variable is missing the path is left out.
move() {
  path=$1
  shift
  with_seeds "$*" cat
  case $? in
    0) ;;
    3) say "secret/$path is left out: the file of seeds lacks a part of it"; return ;;
    *) return ;;
  esac
  if [ "$fresh" = no ] && run "$cli" kv metadata get -mount=secret "$path" > /dev/null 2>&1; then return; fi
  if ! with_seeds "$*" "$cli" kv put -mount=secret -cas=0 "$path" -; then
    run "$cli" kv metadata get -mount=secret "$path" > /dev/null 2>&1 || fail "secret/$path could not be written"
    return
  fi
  say "secret/$path is made from the file of seeds"
}
if [ -n "${VAULT_SEEDS_FILE:-}" ]; then
  [ -r "$VAULT_SEEDS_FILE" ] || fail "$VAULT_SEEDS_FILE cannot be read"
  move trading/database host/POSTGRES_HOST port/POSTGRES_PORT database/POSTGRES_DB user/POSTGRES_USER password/POSTGRES_PASSWORD
  move trading/redis host/REDIS_HOST port/REDIS_PORT user/REDIS_USER? password/REDIS_PASSWORD
  move trading/minio access_key/MINIO_ACCESS_KEY secret_key/MINIO_SECRET_KEY
  move trading/jwt secret/JWT_SECRET
  move trading/twelvedata api_key_1/TWELVEDATA_API_KEY_1
  move trading/llm/anthropic api_key/ANTHROPIC_API_KEY
  move trading/llm/deepseek api_key/DEEPSEEK_API_KEY
  move trading/llm/openai api_key/OPENAI_API_KEY
  move services/feature-server api_keys/API_KEYS
  move services/materializer api_keys/API_KEYS
  move services/inference-gateway api_keys/API_KEYS feature_server_key/FEATURE_SERVER_KEY
  move services/demo-feed materializer_key/MATERIALIZER_KEY
  move services/secrets-broker api_keys/BROKER_API_KEYS redis_rotor_password/REDIS_ROTOR_PASSWORD
fi

# What a role's user makes belongs to a group: it outlives the user, and the next one can use it.
database_role() { # NAME
  # shellcheck disable=SC2016 # expanded by PostgreSQL's side of Vault
  must "$cli" write "database/roles/$1" db_name=usdcop default_ttl=1h max_ttl=24h \
    creation_statements="CREATE ROLE \"{{name}}\" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}' IN ROLE usdcop_app; ALTER ROLE \"{{name}}\" SET role = 'usdcop_app';" \
    revocation_statements='DROP ROLE IF EXISTS "{{name}}";'
}
rotate_root() {
  waited=0
  until run "$cli" write -f database/rotate-root/usdcop > /dev/null 2>&1; do
    [ "$waited" -lt "$wait_seconds" ] || return 1
    waited=$((waited + 1))
    run sleep 1
  done
}
# PostgreSQL may come later than this.
know_database() {
  url="postgresql://{{username}}:{{password}}@$VAULT_DATABASE_HOST:${VAULT_DATABASE_PORT:-5432}/${VAULT_DATABASE_NAME:-usdcop}?sslmode=disable"
  with_seeds password/VAULT_DATABASE_PASSWORD "$cli" write database/config/usdcop \
    plugin_name=postgresql-database-plugin verify_connection=false allowed_roles=materializer,inference-gateway \
    "connection_url=$url" username=vault -
  case $? in
    0) say 'PostgreSQL is known, for users of its own' ;;
    3 | 4) fail 'VAULT_DATABASE_HOST needs VAULT_DATABASE_PASSWORD in the file of seeds' ;;
    *) fail 'the database could not be made known' ;;
  esac
  [ "${VAULT_DATABASE_ROTATE_ROOT:-}" = yes ] || return 0
  if rotate_root; then
    say 'the role vault has a password that Vault alone knows'
  else
    # So that the next run tries both again.
    must "$cli" delete database/config/usdcop
    fail 'the role vault could be given no password of its own: is PostgreSQL there, and 110-vault.sh done?'
  fi
}
if [ -n "${VAULT_DATABASE_HOST:-}" ]; then
  if ! holds '"database/"' "$cli" secrets list -format=json; then must "$cli" secrets enable database; fi
  run "$cli" read database/config/usdcop > /dev/null 2>&1 || know_database
  database_role materializer
  database_role inference-gateway
fi

if [ -n "${VAULT_ISSUE:-}" ]; then
  [ -d "${VAULT_ISSUE_FOLDER:-}" ] || fail 'VAULT_ISSUE needs VAULT_ISSUE_FOLDER, a folder'
  # Whatever is there may be of another Vault.
  rm -f "$VAULT_ISSUE_FOLDER/$VAULT_ISSUE.wrapped-secret-id"
  issue || fail "no secret id for $VAULT_ISSUE could be made"
  # For the one that stays, where it has no token of its own. What is there and holds is kept.
  # shellcheck disable=SC2016 # expanded by the inner shell
  if [ "$stay" = no ] && ! run sh -c 'VAULT_TOKEN=$(cat "$2" 2> /dev/null) "$1" token lookup > /dev/null 2>&1' sh "$cli" "$issuer"; then
    run sh -c '
      umask 077
      "$1" token create -orphan -policy="$3-issuer-policy" -no-default-policy -period=24h -field=token > "$2.new" &&
        mv "$2.new" "$2"
    ' sh "$cli" "$issuer" "$VAULT_ISSUE" || fail "no token to issue for $VAULT_ISSUE with could be made"
  fi
fi

: > "$marker"
say 'ready: secret/, approle, a policy and a role for each service'
[ "$stay" = no ] || look_after
