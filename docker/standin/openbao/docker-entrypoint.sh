#!/bin/sh
# As the public image: a first word that is no program is a subcommand of vault.
set -eu
case $1 in
  server | status | operator | -*) exec vault "$@" ;;
  *) exec "$@" ;;
esac
