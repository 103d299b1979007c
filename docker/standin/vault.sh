#!/usr/bin/env bash
# HashiCorp Vault's server from its Go module, for the tests (USDCOP_VAULT). Usage: vault.sh CACHE_FOLDER VERSION API SDK
#
# The module takes its api and sdk from folders that are not in it, in a state between two that are published. So it is
# built with the published ones, and the lines that differ are brought in line with them. Left out: plugins other than
# those of `minimal` and PostgreSQL's, and the search for peers in clouds, whose libraries take longer than all the rest.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=$1 version=$2 api=$3 sdk=$4
export GOTOOLCHAIN=local GOFLAGS='-buildvcs=false -p=2 -mod=mod' CGO_ENABLED=0
export GOGC=off GOMEMLIMIT=3GiB
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

module() { go mod download -json "$1" | sed -n 's/^.*"Dir": "\(.*\)".*/\1/p'; }

swap() { # FILE OLD NEW
  grep -qF "$2" "$1" || { echo "vault $version: $1 has no $2" >&2; exit 1; }
  sed -i "s/$2/$3/" "$1"
}

cp -r "$(module "github.com/hashicorp/vault@v$version")" "$work/src"
chmod -R u+w "$work/src"
cd "$work/src"

peers=$(module "github.com/hashicorp/go-discover@$(sed -n 's/^.*hashicorp\/go-discover //p' go.mod)")
mkdir -p "$work/peers/provider/k8s"
cp "$here/vault/no_cloud.go" "$work/peers/provider/k8s"
cp "$peers/config.go" "$work/peers"
sed '/go-discover\/provider\//d; /&[a-z]*\.Provider{}/d' "$peers/discover.go" > "$work/peers/discover.go"
echo 'module github.com/hashicorp/go-discover' > "$work/peers/go.mod"

# What nothing imports and nobody serves.
unserved=$(sed -n 's/^\t\(github.com\/hashicorp\/go-cmp\) \(v[^ ]*\).*/\1@\2/p' go.mod)
go mod edit -dropreplace=github.com/hashicorp/vault/{api,api/auth/{approle,kubernetes,userpass},sdk} \
  -require="github.com/hashicorp/vault/api@v$api" -require="github.com/hashicorp/vault/sdk@v$sdk" \
  -droprequire="${unserved%@*}" -exclude="$unserved" -replace="github.com/hashicorp/go-discover=$work/peers"

cp "$here/vault/plugins.go" helper/builtinplugins/registry_min.go
cp "$here/vault/rotation.go" vault/rotation_of_sdk.go
swap builtin/logical/transit/backend.go '.IsPQC()' '.IsEnterpriseOnly()'
swap builtin/logical/transit/path_keys.go '.IsPQC()' '.IsEnterpriseOnly()'
swap plugins/database/mysql/connection_producer.go 'AuthOptions(credentials, false)' 'AuthOptions(credentials, false, false)'
swap http/util.go 'Streaming(limitedTeeReader, jsonLimits)' 'Streaming(limitedTeeReader, jsonLimits, nil)'

go build -trimpath -tags minimal -ldflags '-s -w' -o "$cache/bin/vault-$version" .
