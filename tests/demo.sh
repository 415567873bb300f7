#!/usr/bin/env bash
# tests/demo.sh FOLDER: runs tools/demo.sh in an empty folder, and looks at what it says is there. 77: not where there are no Debian packages.
set -euo pipefail
command -v dpkg-query >/dev/null || exit 77
demo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/tools/demo.sh

rm -rf "$1"
mkdir -p "$1"
cd "$1"
"$demo" >log
cat log
# What it says at the end, not what the program said on the way.
sed -i '1,/^$/d' log
for file in scene.html scene.png scene.fit.png scene.npy; do
  grep -qF "$PWD/featup-out/$file" log || { echo "it does not say where $file is" >&2; exit 1; }
  [ -s "featup-out/$file" ] || { echo "it names $file, which is not there" >&2; exit 1; }
done
if "$demo" none.jpg 2>error; then echo "it took a picture that is not there" >&2; exit 1; fi
grep -qx 'no such picture: none.jpg' error
