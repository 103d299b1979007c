#!/usr/bin/env bash
# Makes the image that every stand-in starts from: a minimal Debian, with this machine's certificate
# bundle so that npm and pip work inside. Usage: base.sh CACHE_FOLDER TAG
set -euo pipefail
cache=$1 tag=$2
archive=$cache/debian-bookworm.tar

if [ ! -f "$archive" ]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  debootstrap --variant=minbase --include=ca-certificates bookworm "$work/root" > "$cache/log/debootstrap.log" 2>&1 ||
    { tail -20 "$cache/log/debootstrap.log"; exit 1; }
  root=$work/root
  rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
  cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
  tar -C "$root" -cf "$archive.new" .
  mv "$archive.new" "$archive"
fi

# A second import would be another image, and nothing built on the first would be found again.
docker image inspect "$tag" > /dev/null 2>&1 && exit 0
bundle=/etc/ssl/certs/ca-certificates.crt
docker import \
  -c "ENV NODE_EXTRA_CA_CERTS=$bundle SSL_CERT_FILE=$bundle PIP_CERT=$bundle" \
  -c 'CMD ["/bin/sh"]' \
  "$archive" "$tag" > /dev/null
