#!/usr/bin/env bash
# tools/wheel.sh [OUT]: wheels of the Python package, for this machine and for 64-bit ARM, in OUT (default: wheels).
#
# Each is tagged with the glibc that its library truly needs, and is for every Python from 3.8 on: no compiler runs when it is
# installed. A processor without a cross compiler is skipped, with a line that says so; FU_NEVER_SKIP=1 makes that a failure.
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

wheel "$(uname -m)" ""
packages=$root/build-platforms/packages
if [ "$(uname -m)" = aarch64 ]; then exit 0; fi
if ! command -v aarch64-linux-gnu-g++ >/dev/null; then
  skip "aarch64: aarch64-linux-gnu-g++ is not there"
elif [ ! -f "$packages/usr/lib/aarch64-linux-gnu/libz.a" ]; then
  skip "aarch64: its zlib is not there. tools/test_platforms.sh aarch64 gets it"
else
  wheel aarch64 "-DCMAKE_TOOLCHAIN_FILE=$root/tools/platforms/aarch64.cmake"
fi
