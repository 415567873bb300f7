#!/usr/bin/env bash
# tools/reproducible.sh: builds the packages of this tree twice, in folders of other names, with another umask, time zone and language, and
# compares every byte of the libraries, the program, both packages and their bills of materials. Exits 1 if one differs. The second build
# takes nothing out of a compiler's cache.
set -euo pipefail
# shellcheck source=tools/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

[ $# = 0 ] || { sed -n '2,/^set/{/^#/p}' "${BASH_SOURCE[0]}" >&2; exit 2; }
need_packages "${build_packages[@]}" "${package_packages[@]}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
one=$work/one two=$work/another-folder/of-a-longer-name
for copy in "$one" "$two"; do
  mkdir -p "$copy"
  tar -C "$root" --exclude='./build*' --exclude=./.git --exclude=./packages -cf - . | tar -C "$copy" -xf -
done
# make OUT: in the folder of a copy. The static library for inference is in no package, so it is asked for by name.
make() {
  tools/package.sh --no-check "$1" >/dev/null
  cmake --build build-package --target fu_inference_static >/dev/null
}
(cd "$one" && export TZ=UTC && make "$work/packages-one")
(cd "$two" && umask 077 && export TZ=Pacific/Kiritimati LANG=C LC_ALL=C CCACHE_DISABLE=1 && make "$work/packages-two")

differ=0
# same FIRST SECOND
same() {
  if cmp "$1" "$2"; then
    printf '%s  %s, %s bytes\n' "$(sha256sum "$1" | cut -c 1-16)" "$(basename "$1")" "$(stat -L -c %s "$1")"
  else
    differ=1
  fi
}
for file in lib/libfeatup.a lib/libfeatup_inference.a lib/libfeatup.so lib/libfeatup_inference.so bin/featup; do
  same "$one/build-package/$file" "$two/build-package/$file"
done
for file in "$work"/packages-one/*; do same "$file" "$work/packages-two/$(basename "$file")"; done
if [ $differ = 0 ]; then echo "two builds in two folders give the same bytes"; fi
exit $differ
