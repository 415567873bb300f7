#!/usr/bin/env bash
# tools/wheel.sh [OUT]: wheels of the Python package, for this machine and for 64-bit ARM, in OUT (default: wheels).
#
# Each is tagged with the glibc that its library truly needs, and is for every Python from 3.8 on: no compiler runs when it is
# installed. A processor without a cross compiler is skipped, with a line that says so; FU_NEVER_SKIP=1 makes that a failure. The library
# of the other processor's wheel runs under QEMU, in tests/embed/embed.c.
set -euo pipefail
# shellcheck source=tools/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

out=$(realpath -m "${1:-wheels}")
mkdir -p "$out"
need_packages "${build_packages[@]}" python3 binutils

# wheel MACHINE CMAKE_OPTIONS: for that processor
wheel() {
  local log
  log=$(mktemp)
  (cd "$root/tools/python" && FEATUP_MACHINE=$1 CMAKE_ARGS=$2 python3 -B -c "import featup_build, sys; print(featup_build.build_wheel(sys.argv[1]))" "$out") \
    >"$log" 2>&1 || { tail -n 40 "$log" >&2; exit 1; }
  echo "$out/$(tail -n 1 "$log")"
  rm -f "$log"
}

skip() {
  echo "skipped: $*"
  [ -z "${FU_NEVER_SKIP:-}" ]
}

# try_aarch64 WHEEL: a C program for that processor calls all of the C interface of the wheel's library.
try_aarch64() {
  local work soname
  work=$(mktemp -d)
  python3 -m zipfile -e "$1" "$work"
  soname=$(readelf -d "$work/featup/libfeatup.so" | sed -n 's/.*SONAME.*\[\(.*\)\].*/\1/p')
  ln -s libfeatup.so "$work/featup/$soname"
  mkdir -p "$work/include/featup"
  cp "$root/featup/api/featup_c.h" "$work/include/featup/"
  aarch64-linux-gnu-gcc -std=c99 -O1 -I "$work/include" "$root/tests/embed/embed.c" -o "$work/embed" "$work/featup/$soname" \
    -Wl,-rpath,"$work/featup" -lm
  QEMU_LD_PREFIX=/usr/aarch64-linux-gnu qemu-aarch64 "$work/embed" "$work"
  rm -rf "$work"
}

wheel "$(uname -m)" ""
packages=$root/build-platforms/packages
if [ "$(uname -m)" = aarch64 ]; then exit 0; fi
if ! command -v aarch64-linux-gnu-g++ >/dev/null; then
  skip "aarch64: aarch64-linux-gnu-g++ is not there"
elif [ ! -f "$packages/usr/lib/aarch64-linux-gnu/libz.a" ]; then
  skip "aarch64: its zlib is not there. tools/test_platforms.sh aarch64 gets it"
else
  wheel aarch64 "-DCMAKE_TOOLCHAIN_FILE=$root/tools/platforms/aarch64.cmake"
  if command -v qemu-aarch64 >/dev/null; then
    try_aarch64 "$(ls -t "$out"/featup-*_aarch64.whl | head -n 1)"
  else
    skip "aarch64: qemu-aarch64, which would run the wheel's library, is not there"
  fi
fi
