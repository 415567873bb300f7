#!/usr/bin/env bash
# tools/reference.sh [OUT]: the reference of all public headers, OUT/html, build/reference/html unless named.
#
# Installs doxygen if it is missing. Any warning of it is a failure.
set -euo pipefail
# shellcheck source=tools/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

out=$(realpath -m "${1:-$root/build/reference}")
need_packages "${build_packages[@]}" "${reference_packages[@]}"
# The public headers are written when CMake configures. A folder of their own: no build is needed, and none is touched.
headers=$out/headers
rm -rf "$out/html"
mkdir -p "$out"
cmake -S "$root" -B "$headers" -DFU_TESTS=OFF >"$out/cmake.log" 2>&1 || { tail -n 20 "$out/cmake.log" >&2; exit 1; }
{
  cat "$root/tools/reference/Doxyfile"
  printf '%s = "%s"\n' INPUT "$headers/include" STRIP_FROM_PATH "$headers/include" OUTPUT_DIRECTORY "$out" \
    INPUT_FILTER "awk -f '$root/tools/reference/filter.awk'"
} | doxygen - >"$out/doxygen.log" 2>&1 || { cat "$out/doxygen.log" >&2; exit 1; }
echo "$out/html/index.html: $(find "$out/html" -name '*.html' | wc -l) pages, $SECONDS s"
