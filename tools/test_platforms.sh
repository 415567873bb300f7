#!/usr/bin/env bash
# tools/test_platforms.sh [STEP...]: other processors, by Debian's cross compilers and QEMU. Without STEP, all of these:
#
#   sse2     the release build on an emulated processor without AVX: kernels against their definitions, reference cases
#   aarch64  64-bit ARM: core, autograd, layers, reference cases, and a picture of the program's beside that of this machine
#   armhf    32-bit ARM: kernels and mathematics of NEON and of plain C++, operations, tensors, files
#
# Builds in build-platforms/. A step whose compiler or emulator is missing is skipped, with a line that says so; FU_NEVER_SKIP=1
# makes that a failure. No time is measured here: an emulator's times say nothing of a processor.
set -euo pipefail
# shellcheck source=tools/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

work=$root/build-platforms
failed=0
fail() { echo "FAILED: $*" >&2; failed=1; }

# begin NAME TOOL...: announces a step; false if it must be skipped because a tool is missing.
begin() {
  local name=$1
  shift
  echo "== $name"
  for tool in "$@"; do
    command -v "$tool" >/dev/null && continue
    echo "skipped: $tool is not there"
    if [ -n "${FU_NEVER_SKIP:-}" ]; then fail "$name was skipped"; fi
    return 1
  done
}

# get_libraries DEBIAN_ARCHITECTURE FOLDER: the compiled libraries of others for that processor, unpacked from Debian's packages, not
# installed. Lists of packages of other processors are kept apart from the system's.
get_libraries() {
  local architecture=$1 folder=$2 lists=$work/lists packages=$work/packages options
  [ -f "$packages/usr/lib/$folder/libturbojpeg.a" ] && return
  mkdir -p "$lists/partial" "$packages"
  options=(-q -o "Dir::State::lists=$lists" -o "APT::Architectures::=$architecture" -o Acquire::Languages=none)
  # A mirror may lack the lists of one suite for a moment; the download below says whether those that came suffice.
  apt-get "${options[@]}" update >/dev/null 2>&1 || true
  (
    cd "$lists"
    apt-get "${options[@]}" download "zlib1g-dev:$architecture" "libturbojpeg0-dev:$architecture" >/dev/null 2>&1
    for package in ./*_"$architecture".deb; do dpkg -x "$package" "$packages"; done
  ) || { fail "packages of $architecture could not be downloaded"; return 1; }
  find "$packages" -name '*.so' -delete  # names of files that are in other packages
}

# cross TARGETS NAME: builds these for tools/platforms/NAME.cmake. Kernels are optimized as everywhere, the rest quickly.
cross() {
  targets=$1 build "$work/$2" -DCMAKE_TOOLCHAIN_FILE="$root/tools/platforms/$2.cmake" -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_CXX_FLAGS_RELEASE="-O1 -DNDEBUG" -DFU_TESTS=ON -DFU_WERROR=ON
}

# program EMULATOR NAME OPTIONS...: a test program
program() {
  local emulator=$1 name=$2
  shift 2
  # shellcheck disable=SC2086
  $emulator "$name" --no-intro "$@" || fail "$name by $emulator"
}

# What measures time or memory, and fork() with threads, which QEMU's user mode cannot do.
not_emulated=(-tce='*after fork*,*holds the library is loaded*,tape: recording*,tape: peak memory*')

# golden EMULATOR FOLDER: reference cases from PyTorch
golden() {
  local log
  log=$(mktemp)
  # shellcheck disable=SC2086
  if $1 "$2/bin/golden_check" "$root/tests/golden" >"$log"; then tail -n 1 "$log"; else
    grep -vE '^(ok|skipped)' "$log" >&2
    fail "reference cases by $1"
  fi
  rm -f "$log"
}

step_sse2() {
  begin "SSE2 alone: a processor of 2008" qemu-x86_64 || return 0
  targets="golden_check featup_tests" build "$root/build" --preset release
  program "qemu-x86_64 -cpu Nehalem" "$root/build/bin/featup_tests" -sf='*tests/core/*,*tests/autograd/*' "${not_emulated[@]}"
  golden "qemu-x86_64 -cpu Nehalem" "$root/build"
}

step_aarch64() {
  begin "64-bit ARM" aarch64-linux-gnu-g++ qemu-aarch64 || return 0
  get_libraries arm64 aarch64-linux-gnu || return 0
  cross "golden_check featup engine_tests layer_tests" aarch64
  local -x QEMU_LD_PREFIX=/usr/aarch64-linux-gnu
  program qemu-aarch64 "$work/aarch64/bin/engine_tests" "${not_emulated[@]}"
  program qemu-aarch64 "$work/aarch64/bin/layer_tests"
  golden qemu-aarch64 "$work/aarch64"
  # The built-in backbone and stack: the colours of the features, from both processors.
  targets="featup compare_pictures render_scene" build "$root/build" --preset release
  "$root/build/bin/render_scene" 3 120 160 "$work/photo.png"
  "$root/build/bin/featup" upsample "$work/photo.png" --size 112 -o "$work/here" --quiet
  qemu-aarch64 "$work/aarch64/bin/featup" upsample "$work/photo.png" --size 112 -o "$work/there" --quiet
  "$root/build/bin/compare_pictures" "$work/here/photo.png" "$work/there/photo.png" 1 || fail "the picture of 64-bit ARM"
}

step_armhf() {
  begin "32-bit ARM" arm-linux-gnueabihf-g++ qemu-arm || return 0
  get_libraries armhf arm-linux-gnueabihf || return 0
  cross engine_tests armhf
  local -x QEMU_LD_PREFIX=/usr/arm-linux-gnueabihf
  program qemu-arm "$work/armhf/bin/engine_tests" \
    -sf='*core/kernels/*,*core/test_math*,*core/test_ops*,*core/test_tensor*,*core/test_files*,*core/test_pickles*'
}

steps=("$@")
[ $# -gt 0 ] || steps=(sse2 aarch64 armhf)
for name in "${steps[@]}"; do
  if ! declare -F "step_$name" >/dev/null; then sed -n '2,/^set/{/^#/p}' "${BASH_SOURCE[0]}" >&2; exit 2; fi
  "step_$name"
done
exit $failed
