#!/usr/bin/env bash
# tools/test_wasm.sh: the WebAssembly build, in build-platforms/wasm, and its tests.
#
#   node       kernels against their definitions, reference cases, features and fits beside those of the program of this machine
#   chromium   the page, in build-platforms/wasm/web: used as a person would, online and offline
#
# What is missing for a part of it is said in a line; FU_NEVER_SKIP=1 makes that a failure. No time is measured here.
set -euo pipefail
# shellcheck source=tools/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

packages=$root/build-platforms/wasm-packages
work=$root/build-platforms/wasm
failed=0
fail() { echo "FAILED: $*" >&2; failed=1; }
# have TOOL: false, with a line, if it is missing.
have() {
  command -v "$1" >/dev/null && return
  echo "skipped: $1 is not there"
  if [ -n "${FU_NEVER_SKIP:-}" ]; then fail "$1 is missing"; fi
  return 1
}
have em++ && have node || exit $failed
# Debian's emscripten needs this to find its parser of JavaScript where node is not Debian's.
export NODE_PATH=/usr/share/nodejs

# Headers from the installed packages, and zlib from Debian's source package, compiled for WebAssembly.
get_libraries() {
  local lists=$packages/lists sources=$packages/zlib places=$packages/sources.list.d options file objects=()
  [ -f "$packages/usr/lib/libz.a" ] && return
  mkdir -p "$lists/partial" "$sources" "$places" "$packages/usr/lib" "$packages/usr/include"
  dpkg -L libeigen3-dev nlohmann-json3-dev doctest-dev | tar --no-recursion -cf - -T - 2>/dev/null | tar -xf - -C "$packages"
  # The system's places for packages, as places for sources. One of them may have none: the download says whether those that came suffice.
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
    [ ! -f "$file" ] || sed 's/^Types: *deb *$/Types: deb-src/; s/^deb /deb-src /' "$file" >"$places/${file##*/}"
  done
  options=(-q -o Dir::Etc::SourceList=/dev/null -o "Dir::Etc::SourceParts=$places" -o "Dir::State::Lists=$lists" -o Acquire::Languages=none)
  (
    cd "$sources"
    apt-get "${options[@]}" update || true
    apt-get "${options[@]}" source --download-only zlib && tar --strip-components=1 -xf zlib_*.orig.tar.*
  ) >/dev/null 2>&1 || { fail "Debian's source package of zlib could not be downloaded"; return 1; }
  for file in adler32 compress crc32 deflate inffast inflate inftrees trees uncompr zutil; do
    emcc -O2 -c "$sources/$file.c" -o "$sources/$file.o"
    objects+=("$sources/$file.o")
  done
  cp "$sources/zlib.h" "$sources/zconf.h" "$packages/usr/include"
  rm -f "$packages/usr/lib/libz.a.part"
  emar qc "$packages/usr/lib/libz.a.part" "${objects[@]}"
  mv "$packages/usr/lib/libz.a.part" "$packages/usr/lib/libz.a"
}

# golden FOLDER...: reference cases from PyTorch
golden() {
  local log
  log=$(mktemp)
  if node "$work/bin/golden_check.js" "$@" >"$log"; then tail -n 1 "$log"; else
    grep -vE '^(ok|skipped)' "$log" >&2
    fail "reference cases"
  fi
  rm -f "$log"
}

# below BYTES WHAT FILE...: the files must be smaller, each compressed by gzip -9.
below() {
  local limit=$1 what=$2 total=0 file
  for file in "${@:3}"; do total=$((total + $(gzip -9 -c "$file" | wc -c))); done
  echo "$what: $total bytes compressed, of at most $limit"
  [ "$total" -lt "$limit" ] || fail "$what is too large"
}

get_libraries || exit 1
build "$work" --preset wasm
below 5000000 "featup.wasm with the built-in weights" "$work/web/featup.wasm"
below 6000000 "the page" "$work"/web/*

node "$work/bin/engine_tests.js" --no-intro --no-colors || fail "kernels, mathematics, operations, files"
folders=("$root/tests/golden" "$root/tests/fixtures")
for folder in backbones upsamplers golden_real fixtures; do
  [ ! -d "$root/../shared/$folder" ] || folders+=("$root/../shared/$folder")
done
golden "${folders[@]}"

# The same photo and the same networks by the program of this machine.
targets=featup build "$root/build" --preset release
native=$work/native
rm -rf "$native"
mkdir -p "$native"
"$root/build/bin/featup" upsample "$root/tests/pictures/rgb.ppm" --size 224 -o "$native" --quiet
mv "$native/rgb.npy" "$native/upsample.npy"
"$root/build/bin/featup" fit "$root/tests/pictures/rgb.ppm" --size 112 --views 20 --held-out 4 -o "$native" --quiet
"$root/build/bin/featup" query "$native/rgb.fit.safetensors" -o "$native/fit.npy" --quiet
node "$root/tests/tools/web/features.js" "$work/web" "$root/tests/pictures" "$root/featup/builtin" "$native" || fail "features beside the program's"

if have chromium; then
  page=("$root/tests/tools/web/page.js" "$work/web" "$root/tests/pictures" "$root/featup/builtin")
  node "${page[@]}" || fail "the page"
  if "$root/build/bin/featup" help serve >/dev/null 2>&1; then
    node "${page[@]}" "$root/build/bin/featup" || fail "the page of featup serve"
  else
    echo "skipped: featup was built without the command serve"
  fi
fi
exit $failed
