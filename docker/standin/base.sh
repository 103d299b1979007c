#!/usr/bin/env bash
# Makes the image that every stand-in starts from: a minimal Debian, with this machine's certificate
# bundle so that npm and pip work inside. Usage: base.sh CACHE_FOLDER TAG
set -euo pipefail
cache=$1 tag=$2
archive=$cache/debian-bookworm.tar
bundle=etc/ssl/certs/ca-certificates.crt

# A second import would be another image, and nothing built on the first would be found again.
docker image inspect "$tag" > /dev/null 2>&1 && exit 0

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ ! -f "$archive" ]; then
  root=$work/root
  debootstrap --variant=minbase --include=ca-certificates bookworm "$root" > "$cache/log/debootstrap.log" 2>&1 ||
    { tail -20 "$cache/log/debootstrap.log"; exit 1; }
  rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
  tar -C "$root" -cf "$archive.new" .
  mv "$archive.new" "$archive"
fi

# The kept archive may come from another machine; the certificates are those of this one.
cp "$archive" "$work/base.tar"
tar --delete -f "$work/base.tar" "./$bundle"
tar -C / -rhf "$work/base.tar" "./$bundle"
docker import \
  -c "ENV NODE_EXTRA_CA_CERTS=/$bundle SSL_CERT_FILE=/$bundle PIP_CERT=/$bundle" \
  -c 'CMD ["/bin/sh"]' \
  "$work/base.tar" "$tag" > /dev/null
