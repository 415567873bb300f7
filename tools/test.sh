#!/usr/bin/env bash
# tools/test.sh [quick | all]: installs what is missing, builds, and runs the tests.
#
#   quick   formatting, and the release build's tests
#   (none)  also the engine in double precision, under the address and undefined-behaviour sanitizers
#   all     also everything under these, clang, clang-tidy, the thread sanitizer, OpenMP's threads, MPI, a shared library, other processors,
#           WebAssembly, packages, the book and the reference
#
# A step of `all` whose tool is missing is skipped, with a line that says so. FU_NEVER_SKIP=1 makes that a failure.
set -euo pipefail
# shellcheck source=tools/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

mode=${1:-default}
case $mode in default | quick | all) ;; *) echo "usage: tools/test.sh [quick | all]" >&2; exit 2 ;; esac
need_packages "${build_packages[@]}" "${test_packages[@]}"
cores=$(nproc)
export ASAN_OPTIONS=allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1
failed=0
fail() { echo "FAILED: $*" >&2; failed=1; }

# step NAME TOOL: announces a step and how long those before it took; false if it must be skipped because TOOL is missing.
step() {
  printf '== %s  (after %d:%02d)\n' "$1" $((SECONDS / 60)) $((SECONDS % 60))
  if [ -n "${2:-}" ] && ! command -v "$2" >/dev/null; then
    echo "skipped: $2 is not there"
    if [ -n "${FU_NEVER_SKIP:-}" ]; then fail "$1 was skipped"; fi
    return 1
  fi
}

# suites FOLDER CTEST_OPTIONS...
suites() {
  local folder=$1
  shift
  (cd "$root/$folder" && ctest --output-on-failure -j "$cores" "$@") || fail "tests of $folder"
}

# program FOLDER NAME OPTIONS...: a test program of that build
program() {
  local folder=$1 name=$2
  shift 2
  "$root/$folder/bin/$name" --no-intro "$@" || fail "$name of $folder"
}

# engine FOLDER: its engine_tests, those of kernels beside all others, for most keep one core busy
engine() {
  local kernels
  "$root/$1/bin/engine_tests" --no-intro -sf='*core/kernels/*' &
  kernels=$!
  program "$1" engine_tests -sfe='*core/kernels/*'
  wait "$kernels" || fail "kernels of $1"
}

# tidy: clang-tidy over all of ours but the tests, as that build compiles it: files of a folder as one, which takes a quarter of the time.
tidy() {
  local built=$root/build-clang-sanitize names files
  names=$(sed -nE 's/^ *"file": "(.*)",?$/\1/p' "$built/compile_commands.json" | grep -vE "/(tests|header-examples|media/stb\.cpp)" | sort -u)
  files=$(grep '/Unity/' <<<"$names" | xargs -d '\n' sed -nE 's/^#include "(.*)"$/\1/p')
  # What another system or build has is in no command of this one.
  { printf '%s\n' "$names"; git -C "$root" ls-files -- 'core/*.cpp' 'autograd/*.cpp' 'layers/*.cpp' 'featup/*.cpp' 'tools/*.cpp' |
      sed "s|^|$root/|" | grep -vxF "$files" | grep -vxF "$names" | grep -v 'media/stb\.cpp'; } |
    xargs -d '\n' -P "$cores" -n 4 clang-tidy -p "$built" --quiet --warnings-as-errors='*'
}

if step formatting clang-format; then
  git -C "$root" ls-files -- '*.cpp' '*.h' | (cd "$root" && xargs clang-format --dry-run --Werror) || fail formatting
fi

step "release build, warnings are errors"
build "$root/build" --preset release -DFU_BOOK=$([ "$mode" = all ] && echo ON || echo OFF)

# One build serves two ends. `all` has a build for each: doubles as people use them, and everything under sanitizers, in float.
if [ "$mode" = default ]; then
  step "double precision, under the address and undefined-behaviour sanitizers: the engine, its gradients and the readers of files"
  targets=engine_tests build "$root/build-double-sanitize" --preset double-sanitize
  engine build-double-sanitize
fi

if [ "$mode" = all ]; then
  step "double precision: the engine and its gradients, networks, and users of the library"
  targets="engine_tests layer_tests fu_libraries featup" build "$root/build-double" --preset double
  engine build-double
  program build-double layer_tests
  suites build-double -R '^consume/'

  # One build of everything by the other compiler serves two ends: its warnings, and its sanitizers.
  if step "clang, warnings are errors, with address and undefined-behaviour sanitizers: everything" clang++; then
    build "$root/build-clang-sanitize" --preset clang-sanitize
    suites build-clang-sanitize
    step "fuzzing, 20 seconds of each target"
    FU_FUZZ_SEED=1 "$root/tools/fuzz.sh" 0.333 || fail fuzzing
    step "clang: the engine, optimized"
    targets=engine_tests build "$root/build-clang" --preset clang
    engine build-clang
    if step clang-tidy clang-tidy; then
      tidy || fail clang-tidy
    fi
  else
    step "address and undefined-behaviour sanitizers: everything"
    build "$root/build-sanitize" --preset sanitize
    suites build-sanitize
  fi

  step "thread sanitizer"
  targets="thread_tests embed_c embed_cpp camera_c camera_cpp" build "$root/build-threads" --preset threads
  # The sanitizer else ends every child of a process with threads.
  TSAN_OPTIONS=die_after_fork=0 program build-threads thread_tests
  suites build-threads -R '^embed/'

  step "OpenMP's threads"
  targets=engine_tests build "$root/build-openmp" --preset openmp
  # Waiting threads would else keep the cores from those that work.
  OMP_WAIT_POLICY=passive engine build-openmp

  if step "processes that share a training, by MPI" mpicxx; then
    targets="featup rank_tests" build "$root/build-mpi" --preset mpi
    program build-mpi rank_tests
  fi

  step "a shared library, and more ways of taking the library in"
  targets="fu_libraries featup" build "$root/build-shared" --preset shared
  suites build-shared -R '^consume/'

  step "other processors"
  bash "$root/tools/test_platforms.sh" || fail "other processors"

  # Beside each other, for most of both keeps one core busy. What is missing comes first: one process at a time installs.
  step "packages: made, and installed on a bare Debian; what they print comes after WebAssembly"
  bare=()
  if [ "$(id -u)" = 0 ] && ! command -v debootstrap >/dev/null; then bare=(debootstrap); fi
  (need_packages "${package_packages[@]}" "${bare[@]}") || fail "what packages need"
  printed=$(mktemp)
  bash "$root/tools/package.sh" "$root/build-package/packages" >"$printed" 2>&1 &
  packages=$!
  trap 'kill "$packages" 2>/dev/null || true; rm -f "$printed"' EXIT
  trap 'exit 130' INT TERM
  if step "WebAssembly, by node and in a browser" em++; then bash "$root/tools/test_wasm.sh" || fail WebAssembly; fi
  wait "$packages" || fail packages
  trap - INT TERM EXIT
  cat "$printed"
  rm -f "$printed"
fi

if [ "$mode" = all ] && step "the book: what is measured, and its page" pandoc; then
  bash "$root/tools/book.sh" --check || fail "the book"
fi

if [ "$mode" = all ] && step "the reference of public headers" doxygen; then
  bash "$root/tools/reference.sh" || fail "the reference"
fi

if [ "$mode" = all ]; then step "the Python package, with the release build's tests" pytest-3 || true; fi

# Last, so that its closing line is the last one.
step release
suites build
exit $failed
