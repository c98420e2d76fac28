#!/bin/sh
# Makes the secrets that docker-compose.yml mounts: secrets.sh [FOLDER]. What is there already stays.
#
# Compose mounts the files as they are, and every container has a user of its own: they may be read by
# all, but only the owner gets into the folder.
set -eu
folder=${1:-secrets}
mkdir -p "$folder"
chmod 700 "$folder"
umask 022

random() { openssl rand -hex 32; }

for name in redis_password grafana_password; do
  [ -e "$folder/$name" ] || random >"$folder/$name"
done

if [ ! -e "$folder/tokens.toml" ]; then
  token=preimage_$(random)
  cat >"$folder/tokens.toml" <<TOML
# Digests of tokens, not tokens: docs/how-to/secure.md.
[tokens.operator]
tenant = "default"
scopes = ["submit", "read", "admin"]
sha256 = "$(printf %s "$token" | sha256sum | cut -c 1-64)"
TOML
  echo "The token of whoever calls, kept nowhere: PREIMAGE_TOKEN=$token"
fi
echo "Grafana's user is admin, its password in $folder/grafana_password."
