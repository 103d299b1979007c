#!/usr/bin/env bash
# Builds the Go servers of the stand-in images from their published modules, with checksums verified.
# A binary is kept as $cache/bin/NAME-VERSION and built once. Usage: binaries.sh CACHE_FOLDER
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=$(mkdir -p "$1/bin" "$1/log" && cd "$1" && pwd)
source "$here/versions.env"
export GOTOOLCHAIN=local GOBIN=$cache/bin GOFLAGS='-buildvcs=false -p=2' CGO_ENABLED=0
# A third of a compiler's time goes to collecting what would be gone at its end anyway.
export GOGC=off GOMEMLIMIT=3GiB

built() { [ -x "$cache/bin/$1" ]; }

make_binary() { # NAME COMMAND...: the command leaves NAME in $GOBIN
  local name=$1 begun=$SECONDS
  shift
  built "$name" && { echo "   $name: cached"; return; }
  if ! (work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && cd "$work" && "$@") > "$cache/log/$name.log" 2>&1; then
    tail -30 "$cache/log/$name.log"
    echo "   $name: FAILED; $cache/log/$name.log" >&2
    return 1
  fi
  built "$name" || { echo "   $name: the build left no binary" >&2; return 1; }
  echo "   $name: $((SECONDS - begun)) s"
}

# `go install PACKAGE@VERSION`, for modules without replace and exclude directives.
install() { # NAME PACKAGE@VERSION [FLAG...]
  local name=$1 package=$2
  shift 2
  GOBIN=$PWD/bin go install -trimpath -ldflags '-s -w' "$@" "$package"
  mv bin/* "$cache/bin/$name"
}

# Go refuses to install a module that has replace or exclude directives; an empty module that repeats
# the ones that matter may build its package.
wrap() { # NAME PACKAGE@VERSION [go mod edit FLAG...]
  local name=$1 package=$2
  shift 2
  go mod init wrap
  [ $# -eq 0 ] || go mod edit "$@"
  export GOFLAGS="$GOFLAGS -mod=mod"
  go get "$package"
  go build -trimpath -ldflags '-s -w' -o "$cache/bin/$name" "${package%@*}"
}

# A writable copy of the module, built as the main module: its own go.sum vouches for what it needs.
copy() { # NAME MODULE@VERSION PACKAGE
  local directory
  directory=$(go mod download -json "$2" | sed -n 's/^.*"Dir": "\(.*\)".*/\1/p')
  cp -r "$directory" src
  chmod -R u+w src
  cd src
  # Alertmanager embeds a web interface that its module does not carry.
  [ "${2%@*}" != github.com/prometheus/alertmanager ] || { mkdir -p ui/app/dist && echo x > ui/app/dist/index.html; }
  GOFLAGS="$GOFLAGS -mod=mod" go build -trimpath -ldflags '-s -w' -o "$cache/bin/$1" "$3"
}

collector() { # NAME MANIFEST VERSION
  GOBIN=$PWD/bin go install "go.opentelemetry.io/collector/cmd/builder@v$3"
  # At some versions the builder's tidy wants a module that only tests use and that cannot be had; it
  # has written its sources by then, and the build itself says whether they are complete.
  bin/builder --config "$2" --skip-compilation || [ -f build/main.go ]
  cd build
  go build -mod=mod -trimpath -ldflags '-s -w' -o "$cache/bin/$1" .
}

loki_replaces=(
  -replace=github.com/Azure/azure-sdk-for-go=github.com/Azure/azure-sdk-for-go@v68.0.0+incompatible
  -replace=github.com/Azure/azure-storage-blob-go=github.com/MasslessParticle/azure-storage-blob-go@v0.14.1-0.20240322194317-344980fda573
  -replace=github.com/gocql/gocql=github.com/grafana/gocql@v0.0.0-20200605141915-ba5dc39ece85
  -replace=github.com/hashicorp/memberlist=github.com/grafana/memberlist@v0.3.1-0.20251126142931-6f9f62ab6f86
  -replace=github.com/grafana/regexp=github.com/grafana/regexp@v0.0.0-20240518133315-a468a5bfb3bc
  -replace=github.com/influxdata/go-syslog/v3=github.com/leodido/go-syslog/v4@v4.3.0
  -replace=github.com/thanos-io/objstore=github.com/grafana/objstore@v0.0.0-20250728171719-b5d3b766d1b0
)
compose_excludes=(
  -exclude=github.com/davecgh/go-spew@v1.1.2-0.20180830191138-d8f796af33cc
  -exclude=github.com/pmezard/go-difflib@v1.0.1-0.20181226105442-5d4384ee4fb2
)

make_binary "amtool-$ALERTMANAGER" install "amtool-$ALERTMANAGER" "github.com/prometheus/alertmanager/cmd/amtool@v$ALERTMANAGER"
make_binary "alertmanager-$ALERTMANAGER" copy "alertmanager-$ALERTMANAGER" "github.com/prometheus/alertmanager@v$ALERTMANAGER" ./cmd/alertmanager
for tool in prometheus promtool; do
  make_binary "$tool-$PROMETHEUS" install "$tool-$PROMETHEUS" "github.com/prometheus/prometheus/cmd/$tool@v$PROMETHEUS_MODULE" \
    -tags remove_all_sd,enable_dns_sd
done
make_binary "compose-$COMPOSE" wrap "compose-$COMPOSE" "github.com/docker/compose/v5/cmd@v$COMPOSE" "${compose_excludes[@]}"
make_binary "otelcol-$COLLECTOR" collector "otelcol-$COLLECTOR" "$here/otelcol/collector.yaml" "$COLLECTOR"
make_binary "otelcol-logs-$COLLECTOR_LOGS" collector "otelcol-logs-$COLLECTOR_LOGS" "$here/otelcol/logs.yaml" "$COLLECTOR_LOGS"
make_binary "jaeger-$JAEGER" copy "jaeger-$JAEGER" "github.com/jaegertracing/jaeger@v$JAEGER_MODULE" ./cmd/jaeger
make_binary "loki-$LOKI" wrap "loki-$LOKI" "github.com/grafana/loki/v3/cmd/loki@v$LOKI" "${loki_replaces[@]}"
