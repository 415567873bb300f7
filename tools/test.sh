#!/usr/bin/env bash
# tools/test.sh [quick]: installs what is missing, builds, and runs all tests: in the release build, in double precision, and under the
# address and undefined-behaviour sanitizers. `quick` runs the release build's alone.
set -euo pipefail
# shellcheck source=tools/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

need_packages "${build_packages[@]}" "${test_packages[@]}"
failed=0

if command -v clang-format >/dev/null; then
  echo "== formatting"
  git -C "$root" ls-files -- '*.cpp' '*.h' | (cd "$root" && xargs clang-format --dry-run --Werror) || failed=1
else
  echo "== formatting: skipped, clang-format is not there"
fi

echo "== release build, warnings are errors"
build "$root/build" -DCMAKE_BUILD_TYPE=Release -DFU_TESTS=ON -DFU_WERROR=ON

if [ "${1:-}" != quick ]; then
  echo "== double precision"
  build "$root/build-double" -DCMAKE_BUILD_TYPE=Release -DFU_TESTS=ON -DFU_WERROR=ON -DFU_REAL=double
  (cd "$root/build-double" && ctest --output-on-failure -R '^(core|autograd|layers)/') || failed=1

  echo "== address and undefined-behaviour sanitizers"
  build "$root/build-sanitize" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DFU_TESTS=ON -DFU_SANITIZE=address,undefined
  (cd "$root/build-sanitize" && ASAN_OPTIONS=allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1 ctest --output-on-failure) || failed=1
fi

# Last, so that its closing line is the last one.
echo "== release"
(cd "$root/build" && ctest --output-on-failure) || failed=1
exit $failed
