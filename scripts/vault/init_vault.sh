#!/bin/sh
# Makes a running, unsealed Vault or OpenBao ready: KV version 2 at secret/, AppRole, a policy and a role for each
# service, an audit log. A second run changes nothing. It keeps no secret and writes none to disk, but for wrapped secret ids
# that live five minutes, where it is asked for them.
#
#   VAULT_ADDR, VAULT_TOKEN   where, and a token that may do all that; without one it says what to do
#   VAULT_POLICIES            folder of the policies, /vault/policies
#   VAULT_WAIT_SECONDS        how long to wait for the server, 120
#   VAULT_AUDIT_FILE          where Vault keeps its audit log, /vault/logs/audit.log; OpenBao's configuration says it
#   VAULT_SEEDS_FILE          NAME=VALUE lines whose secrets move to Vault; a path that holds anything stays as it is
#   VAULT_ISSUE               roles, separated by spaces, for which a wrapped secret id is written to
#   VAULT_ISSUE_FOLDER        this folder, where none is: ROLE.role-id and ROLE.wrapped-secret-id
#   VAULT_ISSUE_CIDR          addresses that these may log in from
#
# As a container's command it stays when it is done, so that it can be run again with `exec`; --stay and --once say
# so explicitly. /tmp/vault-init-done tells the health check.
set -u

marker=${VAULT_INIT_MARKER:-/tmp/vault-init-done}
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
fail() { echo "vault-init: $*" >&2; exit 1; }

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
stay_if_asked() {
  while [ "$stay" = yes ]; do run sleep 86400; done
}

cli=
for name in vault bao; do
  if command -v "$name" > /dev/null; then cli=$name; break; fi
done
[ -n "$cli" ] || fail 'neither vault nor bao is installed here'

if [ -z "${VAULT_TOKEN:-}" ]; then
  say 'no VAULT_TOKEN, so there is nothing that this can do by itself. An operator does, once:'
  say '  docker-compose -f docker-compose.infrastructure.yml exec vault vault operator init'
  say '  docker-compose -f docker-compose.infrastructure.yml exec vault vault operator unseal     # per key'
  say '  docker-compose -f docker-compose.infrastructure.yml exec -e VAULT_TOKEN vault-init /vault/scripts/init_vault.sh'
  say 'The keys go to the people who keep them, and to no file on this machine.'
  stay_if_asked
  exit 1
fi

# `status` ends with 0 once the server is unsealed, 2 while it is sealed, 1 while it does not answer.
waited=0
until run "$cli" status > /dev/null 2>&1; do
  [ "$waited" -lt "$wait_seconds" ] || fail "no unsealed Vault at ${VAULT_ADDR:-its default address} after $wait_seconds s"
  waited=$((waited + 1))
  run sleep 1
done

# What is asked is read from a pipe, in a shell of its own that can be waited for.
holds() { # PATTERN COMMAND...
  # shellcheck disable=SC2016 # expanded by the inner shell
  run sh -c 'pattern=$1; shift; "$@" 2> /dev/null | grep -q "$pattern"' sh "$@"
}
must() {
  run "$@" > /dev/null || fail "failed: $*"
}

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
if ! holds '"approle/"' "$cli" auth list -format=json; then
  must "$cli" auth enable approle
  say 'AppRole is on'
fi

for file in "$policies"/*.hcl; do
  [ -f "$file" ] || fail "no policies in $policies"
  name=$(basename "$file" .hcl)
  # Writing the same again would make a new version of it.
  # shellcheck disable=SC2016 # expanded by the inner shell
  run sh -c '[ "$("$1" policy read "$2" 2> /dev/null)" = "$(cat "$3")" ]' sh "$cli" "$name" "$file" ||
    must "$cli" policy write "$name" "$file"
done

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
role secrets-broker 24h 24h 0

# PATH FIELD/VARIABLE...: moves to Vault once, as JSON on standard input, for what a command is given everybody can read.
# Half a secret is none: where a variable is missing the path is left out.
move() {
  path=$1
  shift
  if run "$cli" kv metadata get -mount=secret "$path" > /dev/null 2>&1; then return; fi
  # shellcheck disable=SC2016 # expanded by the inner shell
  run sh -c '
    cli=$1 path=$2 seeds=$3
    shift 3
    json=$(awk -v wanted="$*" -f /dev/fd/3 "$seeds" 3<<"PROGRAM"
      BEGIN {
        fields = split(wanted, pairs, " ")
        for (i = 1; i <= fields; i++) { split(pairs[i], pair, "/"); name[i] = pair[1]; of[pair[2]] = i }
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
      }
      END {
        for (i = 1; i <= fields; i++) if (!(i in text)) exit 1
        for (i = 1; i <= fields; i++) printf "%s\"%s\":\"%s\"", (i == 1 ? "{" : ","), name[i], text[i]
        print "}"
      }
PROGRAM
    ) || exit 3
    printf "%s" "$json" | "$cli" kv put -mount=secret -cas=0 "$path" - > /dev/null
  ' sh "$cli" "$path" "$VAULT_SEEDS_FILE" "$@"
  case $? in
    0) say "secret/$path is made from the file of seeds" ;;
    3) say "secret/$path is left out: the file of seeds lacks a part of it" ;;
    *) fail "secret/$path could not be written" ;;
  esac
}
if [ -n "${VAULT_SEEDS_FILE:-}" ]; then
  [ -r "$VAULT_SEEDS_FILE" ] || fail "$VAULT_SEEDS_FILE cannot be read"
  move trading/database host/POSTGRES_HOST port/POSTGRES_PORT database/POSTGRES_DB user/POSTGRES_USER password/POSTGRES_PASSWORD
  move trading/redis host/REDIS_HOST port/REDIS_PORT password/REDIS_PASSWORD
  move trading/minio access_key/MINIO_ACCESS_KEY secret_key/MINIO_SECRET_KEY
  move trading/jwt secret/JWT_SECRET
  move trading/twelvedata api_key_1/TWELVEDATA_API_KEY_1
  move trading/llm/anthropic api_key/ANTHROPIC_API_KEY
  move trading/llm/deepseek api_key/DEEPSEEK_API_KEY
  move trading/llm/openai api_key/OPENAI_API_KEY
fi

# A wrapping token opens once and lives five minutes; whoever finds it opened already knows that somebody else has it.
issue() { # ROLE
  [ ! -e "$VAULT_ISSUE_FOLDER/$1.wrapped-secret-id" ] || return 0
  must "$cli" read "auth/approle/role/$1/role-id"
  # shellcheck disable=SC2016 # expanded by the inner shell
  run sh -c '
    umask 077
    cli=$1 role=$2 folder=$3 cidr=$4
    "$cli" read -field=role_id "auth/approle/role/$role/role-id" > "$folder/$role.role-id" &&
      if [ -n "$cidr" ]; then set -- "cidr_list=$cidr" "token_bound_cidrs=$cidr"; else set -- -f; fi &&
      case $1 in
        -f) "$cli" write -f -wrap-ttl=300s -field=wrapping_token "auth/approle/role/$role/secret-id" ;;
        *) "$cli" write -wrap-ttl=300s -field=wrapping_token "auth/approle/role/$role/secret-id" "$@" ;;
      esac > "$folder/.$role.new" && mv "$folder/.$role.new" "$folder/$role.wrapped-secret-id"
  ' sh "$cli" "$1" "$VAULT_ISSUE_FOLDER" "${VAULT_ISSUE_CIDR:-}" || fail "no secret id for $1 could be made"
  say "a wrapped secret id for $1 is in $VAULT_ISSUE_FOLDER, for five minutes"
}
for name in ${VAULT_ISSUE:-}; do
  [ -d "${VAULT_ISSUE_FOLDER:-}" ] || fail 'VAULT_ISSUE needs VAULT_ISSUE_FOLDER, a folder'
  issue "$name"
done

: > "$marker"
say 'ready: secret/, approle, a policy and a role for each service'

# A server in development mode forgets all of it when it restarts. Ending lets this container be started
# again, which makes it anew.
while [ "$stay" = yes ]; do
  run sleep 5
  if run "$cli" status > /dev/null 2>&1 && ! holds '"approle/"' "$cli" auth list -format=json; then
    rm -f "$marker"
    fail 'Vault has forgotten what was set up'
  fi
done
