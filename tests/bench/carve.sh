#!/usr/bin/env bash
# The shell way, for comparison: takes the images of a list out of a registry's storage by hard links.
#
#   carve.sh LIST SOURCE OUTPUT
#
# LIST has one name:tag a line; lines that begin with # or / are skipped. SOURCE and OUTPUT are
# `rootdirectory` folders of a registry on one file system. Every digest that appears in the text of
# a manifest is taken for a blob, so only images of one platform work. It stops at the first failure
# and leaves what it has made by then.
set -euo pipefail

list=$1
from=$2/docker/registry/v2
to=$3/docker/registry/v2

# Hard-links the bytes of one digest, unless an earlier image has brought them.
link_blob() {
  local hex=${1#sha256:}
  local dir=blobs/sha256/${hex:0:2}/$hex
  if [ ! -e "$to/$dir/data" ]; then
    mkdir -p "$to/$dir"
    cp -l "$from/$dir/data" "$to/$dir/data"
  fi
}

# Writes the digest $2 into the link file of folder $1, always a new file.
write_link() {
  mkdir -p "$1"
  printf '%s' "$2" >"$1/link"
}

while IFS= read -r line || [ -n "$line" ]; do
  case $line in '#'* | /* | '') continue ;; esac
  name=${line%:*}
  tag=${line##*:}
  repository=$to/repositories/$name
  digest=$(cat "$from/repositories/$name/_manifests/tags/$tag/current/link")
  hex=${digest#sha256:}

  link_blob "$digest"
  for blob in $(grep -o 'sha256:[0-9a-f]\{64\}' "$from/blobs/sha256/${hex:0:2}/$hex/data" | sort -u); do
    link_blob "$blob"
    write_link "$repository/_layers/sha256/${blob#sha256:}" "$blob"
  done
  write_link "$repository/_manifests/revisions/sha256/$hex" "$digest"
  write_link "$repository/_manifests/tags/$tag/current" "$digest"
  write_link "$repository/_manifests/tags/$tag/index/sha256/$hex" "$digest"
done <"$list"
