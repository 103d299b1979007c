#!/bin/sh
# Makes ready what the compose files expect to find: .env, secrets/ and the network.
# A second run changes nothing. POSIX sh, so that a machine with Docker and compose only can run it.
set -eu

usage() {
  cat <<'TEXT'
usage: scripts/stack/prepare.sh [--restart-clock] [--renew-certificates] [dev|demo|production]

Makes ready what the compose files expect to find:
  network    usdcop-trading-network
  .env       .env.infrastructure, the images file and config/profiles/PROFILE.env, later wins
  secrets/   passwords, keys and certificates, made once and never changed

PROFILE is by default the one that .env was written for, or dev.
Lines of .env below `# yours` are kept, and win over the generated ones.

  --restart-clock        forget when the demo's clock began: it begins now, or with the next demo
  --renew-certificates   sign all certificates of secrets/tls anew; without it those that are missing

Variables read:
  IMAGES_FILE         which images to run; by default the file .env was written with, or images.env
  SLACK_WEBHOOK_URL   where alerts go; read when secrets/slack_webhook_url is made

Exit codes: 0 ready, 1 refused or failed, 2 the command line is off, 3 only the network is missing.
TEXT
}

say() { printf 'prepare: %s\n' "$*"; }
warn() { printf 'prepare: %s\n' "$*" >&2; }
die() {
  warn "$@"
  exit 1
}

NETWORK=usdcop-trading-network
# What .env and the files of secrets/ are while they are being written: for the owner alone.
umask 077

restart_clock=no
renew_certificates=no
profile=
for argument in "$@"; do
  case $argument in
    -h | --help)
      usage
      exit 0
      ;;
    --restart-clock) restart_clock=yes ;;
    --renew-certificates) renew_certificates=yes ;;
    dev | demo | production)
      [ -z "$profile" ] || { warn 'one profile is enough (--help says more)'; exit 2; }
      profile=$argument
      ;;
    *)
      warn "no profile or option: $argument (--help says more)"
      exit 2
      ;;
  esac
done

cd "$(dirname "$0")/../.."
trap 'rm -rf .env.new .env.yours .env.merged secrets/.making' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# --- .env ---------------------------------------------------------------------------------------

HEADER='# Written by scripts/stack/prepare.sh; it writes all of this again, but not what stands below "# yours".'

# What the header of the existing .env says after `# NAME: `.
noted() {
  [ -f .env ] || return 0
  sed -n "/^# yours/q; s/^# $1: //p" .env | head -n 1
}

# The value a variable has in the existing .env.
former() {
  [ -f .env ] || return 0
  sed -n "s/^$1=//p" .env | tail -n 1
}

# Once each variable: the last file's value, at the first file's place, unless the user gives it.
merge() {
  awk '
    { sub(/[ \t\r]+$/, "") }
    /^[ \t]*(#|$)/ { next }
    !/^[A-Za-z_][A-Za-z0-9_]*=/ {
      printf "prepare: %s line %d is not NAME=VALUE: %s\n", FILENAME, FNR, $0 | "cat 1>&2"
      bad = 1
      next
    }
    { name = $0; sub(/=.*/, "", name) }
    part == "yours" { yours[name] = 1; next }
    !(name in line) { order[++count] = name }
    { line[name] = $0 }
    END {
      close("cat 1>&2")
      if (bad) exit 1
      for (i = 1; i <= count; i++) if (!(order[i] in yours)) print line[order[i]]
    }' part=yours "$1" part=generated .env.infrastructure "$2" "$3" -
}

write_env() {
  [ -n "$profile" ] || profile=$(noted profile)
  [ -n "$profile" ] || profile=dev
  images=${IMAGES_FILE:-$(noted images)}
  [ -n "$images" ] || images=images.env
  settings=config/profiles/$profile.env
  for file in .env.infrastructure "$images" "$settings"; do
    [ -f "$file" ] || die "$file is missing; .env is made from it"
  done

  # Noted in the header too: a while in another profile does not begin the demo again.
  clock=$(former CLOCK_WALL_START)
  [ -n "$clock" ] || clock=$(noted 'demo clock')
  if [ "$restart_clock" = yes ]; then clock=; fi
  clock_news=
  if [ -z "$clock" ] && [ "$profile" = demo ]; then
    clock=$(date -u +%Y-%m-%dT%H:%M:%SZ)
    clock_news=", the demo's clock begins now"
  fi
  clock_line=
  if [ "$profile" = demo ]; then clock_line=CLOCK_WALL_START=$clock; fi

  subnet_line=
  if [ -n "$subnet" ]; then subnet_line=STACK_SUBNET=$subnet; fi

  : >.env.yours
  if [ -f .env ]; then sed '1,/^# yours/d' .env >.env.yours; fi
  printf '%s\n' "$clock_line" "$subnet_line" | merge .env.yours "$images" "$settings" >.env.merged ||
    die 'so .env stays as it was'
  {
    printf '%s\n' "$HEADER"
    printf '# profile: %s\n# images: %s\n' "$profile" "$images"
    if [ -n "$clock" ]; then printf '# demo clock: %s\n' "$clock"; fi
    cat .env.merged
    printf '\n# yours\n'
    cat .env.yours
  } >.env.new

  if [ -f .env ] && cmp -s .env .env.new; then
    say "kept .env (profile $profile, $images)"
  else
    if [ -f .env ] && [ "$(head -n 1 .env)" != "$HEADER" ]; then
      [ ! -e .env.old ] || die '.env is not of this script, and .env.old stands in the way of keeping it'
      mv .env .env.old
      say 'kept your own .env as .env.old: what you still want goes below "# yours" in .env'
    fi
    mv .env.new .env
    say "wrote .env (profile $profile, $images$clock_news)"
  fi
  rm -f .env.new .env.yours .env.merged
}

# --- secrets/ -----------------------------------------------------------------------------------

# 48 hexadecimal digits: they need no escaping in a URL, an ACL file or a header.
random() { openssl rand -hex 24; }
sha256() { printf %s "$1" | openssl dgst -sha256 -r | cut -d ' ' -f 1; }

# Writes a new secret beside its place; `settle` moves a whole group there once all of it is made.
stage() { printf '%s\n' "$2" >"secrets/.$1.new"; }

settle() {
  for name in "$@"; do
    chmod 0444 "secrets/.$name.new"
    mv "secrets/.$name.new" "secrets/$name"
  done
  say "made in secrets/: $*"
}

# True when none of the group is there. All there: nothing to do. Some: only a person can say which
# of them the running servers know, so nothing is made up.
absent() {
  here=''
  gone=''
  for name in "$@"; do
    if [ -d "secrets/$name" ]; then
      die "secrets/$name is a folder: Docker makes one when the stack starts before this script. Take the stack down, remove the folder, run this again"
    elif [ -s "secrets/$name" ]; then
      here="$here $name"
    elif [ -e "secrets/$name" ]; then
      die "secrets/$name is empty; put its content back, or remove it together with what belongs to it:$(others "$name" "$@")"
    else
      gone="$gone $name"
    fi
  done
  if [ -n "$here" ] && [ -n "$gone" ]; then
    die "secrets/ has lost$gone, which belongs to$here. Put it back; or, if the servers that know these may forget them (usdcop stack down -v), remove$here too and run this again"
  fi
  [ -z "$here" ]
}

others() {
  one=$1
  shift
  for name in "$@"; do [ "$name" = "$one" ] || printf ' %s' "$name"; done
}

# What moves to Vault, and the servers' own halves of it.
make_seeds() {
  redis=$(random) rotor=$(random) database=$(random) operator=$(random) gateway=$(random) feed=$(random)
  reader=reader:reader:$(sha256 "$(cat secrets/reader_key)")
  writer=writer:writer:$(sha256 "$(cat secrets/writer_key)")
  metrics=prometheus:reader:$(sha256 "$(cat secrets/metrics_key)")
  stage operator_key "$operator"
  stage redis_users "user default off
user health on nopass resetkeys resetchannels -@all +ping
user usdcop on >$redis ~* resetchannels +@all -@admin -@dangerous +info
user rotor on >$rotor resetkeys resetchannels -@all +ping +acl|getuser +acl|setuser +acl|save"
  stage vault_database_password "$database"
  stage vault_seeds "REDIS_HOST=redis
REDIS_PORT=6379
REDIS_USER=usdcop
REDIS_PASSWORD=$redis
REDIS_ROTOR_PASSWORD=$rotor
VAULT_DATABASE_PASSWORD=$database
API_KEYS=$reader,$writer,$metrics,inference-gateway:writer:$(sha256 "$gateway"),demo-feed:writer:$(sha256 "$feed")
FEATURE_SERVER_KEY=$gateway
MATERIALIZER_KEY=$feed
BROKER_API_KEYS=$metrics,operator:admin:$(sha256 "$operator")"
  settle $made
}

# An earlier version gave the demo's feed `writer_key`. Vault in memory takes this at its next start; one on disk has its own.
add_key_of_feed() {
  feed=$(random)
  stage vault_seeds "$(sed "s/^API_KEYS=.*/&,demo-feed:writer:$(sha256 "$feed")/" secrets/vault_seeds)
MATERIALIZER_KEY=$feed"
  settle vault_seeds
}

# New passwords beside old data lock everybody out: the servers know those of the secrets/ that is gone.
refuse_foreign_data() {
  project=$(former COMPOSE_PROJECT_NAME)
  volumes=$(docker volume ls -q --filter "label=com.docker.compose.project=$project" 2>/dev/null || true)
  [ -z "$volumes" ] ||
    die "secrets/postgres_password is not there, but volumes of $project keep data under the passwords of another secrets/. Put that one back, or forget the data (usdcop stack down --volumes), and run this again"
}

make_secrets() {
  mkdir -p secrets
  if ! has_mode secrets 0700; then
    chmod 0700 secrets
    say 'closed secrets/ to everybody else (0700)'
  fi

  if absent postgres_password; then
    refuse_foreign_data
    stage postgres_password "$(random)"
    settle postgres_password
  fi
  keys='reader_key writer_key metrics_key'
  made='operator_key redis_users vault_database_password vault_seeds'
  # Of a version whose services read files: who has these keys keeps them, all else is new.
  if [ -s secrets/api_keys ] && [ ! -e secrets/vault_seeds ] && ! absent $keys; then
    if absent $made; then make_seeds; fi
  elif absent $keys $made; then
    for name in $keys; do stage "$name" "$(random)"; done
    settle $keys
    make_seeds
  fi
  case $(cat secrets/vault_seeds) in *MATERIALIZER_KEY=*) ;; *) add_key_of_feed ;; esac
  if absent mlflow_database_password mlflow_database_url; then
    password=$(random)
    stage mlflow_database_password "$password"
    stage mlflow_database_url "postgresql+psycopg2://mlflow:$password@mlflow-db:5432/mlflow"
    settle mlflow_database_password mlflow_database_url
  fi
  for name in grafana_admin_password grafana_database_password; do
    if absent "$name"; then
      stage "$name" "$(random)"
      settle "$name"
    fi
  done
  if absent slack_webhook_url; then
    stage slack_webhook_url "${SLACK_WEBHOOK_URL:-http://slack-is-not-configured.invalid/}"
    settle slack_webhook_url
  elif [ -n "${SLACK_WEBHOOK_URL:-}" ] && [ "$(cat secrets/slack_webhook_url)" != "$SLACK_WEBHOOK_URL" ]; then
    say 'kept secrets/slack_webhook_url, which differs from SLACK_WEBHOOK_URL: remove the file to take the variable'
  fi

  left=
  for name in api_keys database_url gateway_key redis_password redis_url redis_users.acl; do
    if [ -e "secrets/$name" ]; then left="$left $name"; fi
  done
  if [ -n "$left" ]; then
    say "nothing mounts these of an earlier version any more; remove them once the stack runs:$left"
  fi

  # Containers read them as users of their own; the folder keeps everybody else of this machine out.
  for file in secrets/*; do
    # Folders have modes of their own, and may be the user's.
    if [ -d "$file" ] || has_mode "$file" 0444; then continue; fi
    chmod 0444 "$file"
    say "opened $file to the containers that mount it (0444)"
  done
}

# There is no `stat` in POSIX.
has_mode() { [ -n "$(find "$1" -prune -perm "$2")" ]; }

# --- certificates --------------------------------------------------------------------------------

AUTHORITY_DAYS=3650
CERTIFICATE_DAYS=365
WARN_SECONDS=2592000

# FROM TO: a container that has a file mounted sees what is written into it, and not another file of its name.
place() {
  if [ -e "$2" ]; then
    chmod 0644 "$2"
    cat "$1" >"$2"
    rm "$1"
  else
    mv "$1" "$2"
  fi
  chmod 0444 "$2"
}

# FOLDER NAME COMMON_NAME NAMES USAGE: a key, and a certificate that the stack's authority has signed.
sign() {
  [ -s secrets/tls/ca.key ] ||
    die "secrets/tls/ca.key is not there, and without it $1/$2.crt cannot be signed: bring it back for this, or remove secrets/tls for a new authority"
  cat >secrets/.making/extensions <<TEXT
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=$5
subjectAltName=$4
TEXT
  openssl ecparam -name prime256v1 -genkey -noout -out secrets/.making/key
  openssl req -new -key secrets/.making/key -subj "/CN=$3" -out secrets/.making/request
  openssl x509 -req -sha256 -days "$CERTIFICATE_DAYS" -set_serial "0x$(openssl rand -hex 16)" \
    -in secrets/.making/request -extfile secrets/.making/extensions \
    -CA secrets/tls/ca.crt -CAkey secrets/tls/ca.key -out secrets/.making/certificate 2>secrets/.making/words ||
    die "openssl signed nothing: $(cat secrets/.making/words)"
  place secrets/.making/key "$1/$2.key"
  place secrets/.making/certificate "$1/$2.crt"
  say "signed $1/$2.crt for $CERTIFICATE_DAYS days"
}

wanted() { [ "$renew_certificates" = yes ] || [ ! -s "$1.crt" ] || [ ! -s "$1.key" ]; }

make_certificates() {
  mkdir -p secrets/tls secrets/.making
  if [ ! -e secrets/tls/ca.crt ] && [ ! -e secrets/tls/ca.key ]; then
    cat >secrets/.making/authority <<'TEXT'
[req]
distinguished_name=name
x509_extensions=extensions
[name]
[extensions]
basicConstraints=critical,CA:TRUE,pathlen:0
keyUsage=critical,keyCertSign,cRLSign
subjectKeyIdentifier=hash
TEXT
    openssl ecparam -name prime256v1 -genkey -noout -out secrets/.making/ca.key
    openssl req -x509 -new -sha256 -days "$AUTHORITY_DAYS" -config secrets/.making/authority \
      -key secrets/.making/ca.key -subj '/CN=usdcop stack' -out secrets/.making/ca.crt
    chmod 0444 secrets/.making/ca.crt
    # It signs whoever may ask the broker: for this script alone.
    chmod 0600 secrets/.making/ca.key
    mv secrets/.making/ca.crt secrets/.making/ca.key secrets/tls/
    say 'made an authority of our own, secrets/tls/ca.crt'
  fi
  if wanted secrets/tls/secrets-broker; then
    sign secrets/tls secrets-broker secrets-broker 'DNS:secrets-broker,DNS:localhost,IP:127.0.0.1' serverAuth
  fi
  for name in feature-server materializer inference-gateway demo-feed; do
    if wanted "secrets/tls/$name"; then sign secrets/tls "$name" "$name" "DNS:$name" clientAuth; fi
  done
  # Where the folder is there already, it is the operator's: with a certificate of ours, or of somebody else's.
  if [ "$profile" = production ] && [ ! -e secrets/vault-tls ]; then
    mkdir secrets/.making/vault-tls
    cp secrets/tls/ca.crt secrets/.making/vault-tls/ca.crt
    chmod 0444 secrets/.making/vault-tls/ca.crt
    sign secrets/.making/vault-tls tls vault 'DNS:vault,DNS:localhost,IP:127.0.0.1' serverAuth
    chmod 0755 secrets/.making/vault-tls
    mv secrets/.making/vault-tls secrets/vault-tls
  elif [ "$renew_certificates" = yes ] && cmp -s secrets/tls/ca.crt secrets/vault-tls/ca.crt; then
    sign secrets/vault-tls tls vault 'DNS:vault,DNS:localhost,IP:127.0.0.1' serverAuth
  fi
  if [ "$renew_certificates" = yes ]; then
    say 'the broker takes its own within seconds and the services theirs with their next login; Vault when it is told to: docker-compose kill -s HUP vault'
  fi
  rm -rf secrets/.making
  for file in secrets/tls/*.crt secrets/vault-tls/tls.crt; do
    if [ -s "$file" ] && ! openssl x509 -checkend "$WARN_SECONDS" -noout -in "$file" >/dev/null 2>&1; then
      warn "$file ends soon or has ended ($(openssl x509 -enddate -noout -in "$file")): --renew-certificates signs all anew"
    fi
  done
}

# --- network ------------------------------------------------------------------------------------

# Sets `network_fault`, what keeps it from being there, and `subnet`, from which the stack's containers speak.
make_network() {
  network_fault=
  subnet=$(former STACK_SUBNET)
  if ! command -v docker >/dev/null 2>&1; then
    network_fault='docker is not installed, or not on PATH: .env and secrets/ are ready, the network is not'
    return
  fi
  if docker network inspect "$NETWORK" >/dev/null 2>&1; then
    say "kept the network $NETWORK"
  elif docker network create "$NETWORK" >/dev/null; then
    say "made the network $NETWORK"
  else
    network_fault='docker made no network (its words stand above): .env and secrets/ are ready'
    return
  fi
  found=$(docker network inspect --format '{{range $i, $one := .IPAM.Config}}{{if $i}},{{end}}{{$one.Subnet}}{{end}}' "$NETWORK")
  if [ -n "$found" ]; then subnet=$found; fi
}

command -v openssl >/dev/null 2>&1 ||
  die 'openssl is not installed, or not on PATH: keys and certificates are made and looked at with it'
make_network
write_env
make_secrets
make_certificates
if [ -n "$network_fault" ]; then
  warn "$network_fault"
  exit 3
fi
