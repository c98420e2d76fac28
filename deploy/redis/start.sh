#!/bin/sh
# Starts Redis with one user, `preimage`, whose password is in a file; arguments are options of Redis.
# Nobody else gets in, and that user administers nothing.
set -eu
umask 077
password=$(cat "${REDIS_PASSWORD_FILE:?}")
users=${TMPDIR:-/tmp}/users.acl
{
  echo "user default off"
  # The digest is enough for Redis; the rights are at least those of docs/reference/queue.md.
  echo "user preimage on #$(printf %s "$password" | sha256sum | cut -c 1-64) ~* &*" \
    "+@all -@admin -@dangerous +info +config|get +client|setname"
} >"$users"
unset password
exec redis-server "$(dirname "$0")/redis.conf" --aclfile "$users" "$@"
