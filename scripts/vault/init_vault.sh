#!/bin/sh
# Makes a running, unsealed Vault or OpenBao ready: KV version 2 at secret/, AppRole, the two policies, the role
# `trading`. A second run changes nothing. It keeps no secret and writes none to disk.
#
#   VAULT_ADDR, VAULT_TOKEN   where, and a token that may do all that; without one it says what to do
#   VAULT_POLICIES            folder of the policies, /vault/policies
#   VAULT_WAIT_SECONDS        how long to wait for the server, 120
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
for policy in trading-policy airflow-policy; do
  must "$cli" policy write "$policy" "$policies/$policy.hcl"
done
# A token lives an hour and can be renewed for four; whoever logs in again needs a secret id not older than a day.
must "$cli" write auth/approle/role/trading token_policies=trading-policy token_no_default_policy=true \
  token_type=service token_ttl=1h token_max_ttl=4h secret_id_ttl=24h bind_secret_id=true

: > "$marker"
say 'ready: secret/, approle, policies trading-policy and airflow-policy, role trading'

# A server in development mode forgets all of it when it restarts. Ending lets this container be started
# again, which makes it anew.
while [ "$stay" = yes ]; do
  run sleep 5
  if run "$cli" status > /dev/null 2>&1 && ! holds '"approle/"' "$cli" auth list -format=json; then
    rm -f "$marker"
    fail 'Vault has forgotten what was set up'
  fi
done
