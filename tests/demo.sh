#!/usr/bin/env bash
# tests/demo.sh FOLDER: runs tools/demo.sh in an empty folder, and looks at what it says is there.
set -euo pipefail
demo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/tools/demo.sh

rm -rf "$1"
mkdir -p "$1"
cd "$1"
"$demo" | tee log
files=$(grep -oE "$PWD/featup-out/[^ ,:]+" log)
[ "$(wc -l <<<"$files")" -ge 4 ] || { echo "it names too few files" >&2; exit 1; }
for file in $files; do
  [ -s "$file" ] || { echo "it names $file, which is not there" >&2; exit 1; }
done
! "$demo" none.jpg 2>error
grep -qx 'no such picture: none.jpg' error
