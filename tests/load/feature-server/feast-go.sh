#!/usr/bin/env bash
# Builds Feast's Go feature server from Feast's source package on PyPI: feast-go.sh PROGRAM
# Needs Go, Python with pip and a C compiler; some minutes the first time.
set -euo pipefail
program=$(realpath -m "$1")
version=0.67.0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check grpcio-tools
"$work/venv/bin/pip" download --quiet --disable-pip-version-check --no-deps --no-binary feast --dest "$work" "feast==$version"
tar -xzf "$work/feast-$version.tar.gz" -C "$work"
cd "$work/feast-$version"

# The source package leaves the generated Go code out; the generators are those its Makefile names.
export GOBIN=$work/bin GOFLAGS=-mod=mod
go install google.golang.org/protobuf/cmd/protoc-gen-go@v1.31.0
go install google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.3.0
module=github.com/feast-dev/feast/go/protos
mkdir -p go/protos
for part in core registry serving storage types; do
  PATH=$GOBIN:$PATH "$work/venv/bin/python" -m grpc_tools.protoc --proto_path=protos \
    --go_out=go/protos --go_opt=module=$module --go-grpc_out=go/protos --go-grpc_opt=module=$module \
    protos/feast/$part/*.proto
done
go build -o "$program" ./go
