#!/bin/sh
# Makes ready what the compose files expect to find: .env, secrets/ and the network.
# A second run changes nothing. POSIX sh, so that a machine with Docker and compose only can run it.
set -eu

usage() {
  cat <<'TEXT'
usage: scripts/stack/prepare.sh [--restart-clock] [dev|demo|production]

Makes ready what the compose files expect to find:
  .env       .env.infrastructure, the images file and config/profiles/PROFILE.env, later wins
  secrets/   passwords and keys, made once and never changed
  network    usdcop-trading-network

PROFILE is by default the one that .env was written for, or dev.
Lines of .env below `# yours` are kept, and win over the generated ones.

  --restart-clock   forget when the demo's clock began: it begins now, or with the next demo

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
profile=
for argument in "$@"; do
  case $argument in
    -h | --help)
      usage
      exit 0
      ;;
    --restart-clock) restart_clock=yes ;;
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

  trap 'rm -f .env.new .env.yours .env.merged' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  : >.env.yours
  if [ -f .env ]; then sed '1,/^# yours/d' .env >.env.yours; fi
  printf '%s\n' "$clock_line" | merge .env.yours "$images" "$settings" >.env.merged ||
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
random() {
  if command -v openssl >/dev/null 2>&1; then
    openssl rand -hex 24
  else
    head -c 24 /dev/urandom | od -An -v -tx1 | tr -d ' \n'
  fi
}

sha256() {
  if command -v openssl >/dev/null 2>&1; then
    printf %s "$1" | openssl dgst -sha256 -r | cut -d ' ' -f 1
  else
    printf %s "$1" | sha256sum | cut -d ' ' -f 1
  fi
}

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

make_secrets() {
  mkdir -p secrets
  if ! has_mode secrets 0700; then
    chmod 0700 secrets
    say 'closed secrets/ to everybody else (0700)'
  fi

  if absent postgres_password database_url; then
    password=$(random)
    stage postgres_password "$password"
    stage database_url "postgres://usdcop:$password@timescaledb:5432/usdcop"
    settle postgres_password database_url
  fi
  if absent redis_password redis_users.acl redis_url; then
    password=$(random)
    stage redis_password "$password"
    stage redis_users.acl "user default on >$password ~* &* +@all"
    stage redis_url "redis://default:$password@redis:6379/0"
    settle redis_password redis_users.acl redis_url
  fi
  if absent reader_key writer_key metrics_key gateway_key api_keys; then
    reader=$(random) writer=$(random) metrics=$(random) gateway=$(random)
    stage reader_key "$reader"
    stage writer_key "$writer"
    stage metrics_key "$metrics"
    stage gateway_key "$gateway"
    stage api_keys "reader:reader:$(sha256 "$reader"),writer:writer:$(sha256 "$writer"),prometheus:reader:$(sha256 "$metrics"),inference-gateway:writer:$(sha256 "$gateway")"
    settle reader_key writer_key metrics_key gateway_key api_keys
  fi
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

  # Containers read them as users of their own; the folder keeps everybody else of this machine out.
  for file in secrets/*; do
    # A folder in there is the user's own, such as vault-tls.
    if [ -d "$file" ] || has_mode "$file" 0444; then continue; fi
    chmod 0444 "$file"
    say "opened $file to the containers that mount it (0444)"
  done
}

# There is no `stat` in POSIX.
has_mode() { [ -n "$(find "$1" -prune -perm "$2")" ]; }

# --- network ------------------------------------------------------------------------------------

make_network() {
  if ! command -v docker >/dev/null 2>&1; then
    warn 'docker is not installed, or not on PATH: .env and secrets/ are ready, the network is not'
    exit 3
  fi
  if docker network inspect "$NETWORK" >/dev/null 2>&1; then
    say "kept the network $NETWORK"
  elif docker network create "$NETWORK" >/dev/null; then
    say "made the network $NETWORK"
  else
    warn 'docker made no network (its words stand above): .env and secrets/ are ready'
    exit 3
  fi
}

write_env
make_secrets
make_network
