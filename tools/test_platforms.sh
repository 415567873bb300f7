#!/usr/bin/env bash
# tools/test_platforms.sh [STEP...]: other processors, by Debian's cross compilers and QEMU. Without STEP, all of these:
#
#   sse2     the release build on an emulated processor without AVX: kernels against their definitions, reference cases
#   aarch64  64-bit ARM: core, autograd, layers, reference cases, and a picture of the program's beside that of this machine
#   armhf    32-bit ARM: kernels and mathematics of NEON and of plain C++, operations, tensors, files, reference cases
#   i686     32-bit x86 with SSE2: core, autograd, layers, reference cases, and a picture of the program's
#   s390x    a big-endian processor: files, tensors, layers, reference cases with their gradients, a picture of the program's
#
# Builds in build-platforms/. A step whose compiler or emulator is missing is skipped, with a line that says so; FU_NEVER_SKIP=1
# makes that a failure. No time is measured here: an emulator's times say nothing of a processor.
set -euo pipefail
# shellcheck source=tools/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

work=$root/build-platforms
cores=$(nproc)
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
# installed. Lists of packages of other processors are kept apart from the system's; one step at a time reads them.
get_libraries() {
  local architecture=$1 folder=$2 lists=$work/lists packages=$work/packages options
  [ -f "$packages/usr/lib/$folder/libturbojpeg.a" ] && return
  mkdir -p "$lists/partial" "$packages"
  options=(-q -o "Dir::State::lists=$lists" -o "APT::Architectures::=$architecture" -o Acquire::Languages=none)
  exec 9>"$work/lists.lock"
  flock 9
  # A mirror may lack the lists of one suite for a moment; the download below says whether those that came suffice.
  apt-get "${options[@]}" update >/dev/null 2>&1 || true
  (
    cd "$lists"
    apt-get "${options[@]}" download "zlib1g-dev:$architecture" "libturbojpeg0-dev:$architecture" >/dev/null 2>&1
    for package in ./*_"$architecture".deb; do dpkg -x "$package" "$packages"; done
  ) || { fail "packages of $architecture could not be downloaded"; return 1; }
  find "$packages" -name '*.so' -delete  # names of files that are in other packages
  exec 9>&-
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
not_emulated=(-tce='*after fork*,*holds the library is loaded*,tape: recording*,tape: peak memory*,*recording costs*')

# Where an emulator takes minutes for the rest.
core_parts=(-sf='*core/kernels/*,*core/test_math*,*core/test_ops*,*core/test_tensor*,*core/test_files*,*core/test_pickles*')

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
  program "qemu-x86_64 -cpu Nehalem" "$root/build/bin/featup_tests" -sf='*tests/core/*,*tests/autograd/*' "${not_emulated[@]}"
  golden "qemu-x86_64 -cpu Nehalem" "$root/build"
}

# picture EMULATOR FOLDER: the built-in backbone and stack there and here give the same colours, within 1 of 255.
picture() {
  $1 "$2/bin/featup" upsample "$work/photo.png" --size 112 -o "$2/there" --quiet
  "$root/build/bin/compare_pictures" "$work/here/photo.png" "$2/there/photo.png" 1 || fail "the picture by $1"
}

# whole EMULATOR NAME OPTIONS...: gradients and layers, reference cases, the program's picture, and of core what OPTIONS choose
whole() {
  cross "golden_check featup engine_tests layer_tests" "$2"
  program "$1" "$work/$2/bin/engine_tests" "${@:3}"
  program "$1" "$work/$2/bin/layer_tests" "${not_emulated[@]}"
  golden "$1" "$work/$2"
  picture "$1" "$work/$2"
}

step_aarch64() {
  begin "64-bit ARM" aarch64-linux-gnu-g++ qemu-aarch64 || return 0
  get_libraries arm64 aarch64-linux-gnu || return 0
  local -x QEMU_LD_PREFIX=/usr/aarch64-linux-gnu
  whole qemu-aarch64 aarch64 "${not_emulated[@]}"
}

step_i686() {
  begin "32-bit x86" i686-linux-gnu-g++ qemu-i386 || return 0
  get_libraries i386 i386-linux-gnu || return 0
  # Most 64-bit kernels of Linux run 32-bit programs themselves, ten times as fast as QEMU does.
  local libraries=/usr/i686-linux-gnu/lib
  local here="$libraries/ld-linux.so.2 --library-path $libraries"
  local -x QEMU_LD_PREFIX=/usr/i686-linux-gnu
  if $here /usr/i686-linux-gnu/lib/libc.so.6 >/dev/null 2>&1; then
    whole "$here" i686 "${not_emulated[@]}"
  else
    whole qemu-i386 i686 "${core_parts[@]}"
  fi
}

step_s390x() {
  begin "a big-endian processor" s390x-linux-gnu-g++ qemu-s390x || return 0
  get_libraries s390x s390x-linux-gnu || return 0
  local -x QEMU_LD_PREFIX=/usr/s390x-linux-gnu
  whole qemu-s390x s390x "-sf=*core/test_file*,*core/test_folders*,*core/test_output*,*core/test_pickles*,*core/test_tensor*,*core/test_number*"
}

step_armhf() {
  begin "32-bit ARM" arm-linux-gnueabihf-g++ qemu-arm || return 0
  get_libraries armhf arm-linux-gnueabihf || return 0
  cross "engine_tests golden_check" armhf
  local -x QEMU_LD_PREFIX=/usr/arm-linux-gnueabihf
  program qemu-arm "$work/armhf/bin/engine_tests" "${core_parts[@]}"
  golden qemu-arm "$work/armhf"
}

steps=("$@")
[ $# -gt 0 ] || steps=(sse2 aarch64 armhf i686 s390x)
for name in "${steps[@]}"; do
  if ! declare -F "step_$name" >/dev/null; then sed -n '2,/^set/{/^#/p}' "${BASH_SOURCE[0]}" >&2; exit 2; fi
done

# What this machine's program gives.
targets="featup compare_pictures render_scene golden_check featup_tests" build "$root/build" --preset release
mkdir -p "$work"
"$root/build/bin/render_scene" 3 120 160 "$work/photo.png"
"$root/build/bin/featup" upsample "$work/photo.png" --size 112 -o "$work/here" --quiet

# As many steps at a time as there are cores, for an emulated test keeps one of them busy. What they print comes in order.
running=0
declare -A processes
for name in "${steps[@]}"; do
  if [ "$running" -ge "$cores" ]; then wait -n || true; running=$((running - 1)); fi
  (
    "step_$name"
    exit $failed
  ) >"$work/$name.log" 2>&1 &
  processes[$name]=$!
  running=$((running + 1))
done
for name in "${steps[@]}"; do
  wait "${processes[$name]}" || failed=1
  cat "$work/$name.log"
done
exit $failed
