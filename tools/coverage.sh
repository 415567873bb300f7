#!/usr/bin/env bash
# tools/coverage.sh [PERCENT]: runs the tests with counters at every line, and prints how many lines of core, autograd, layers and featup
# they reach, the files that they reach least, and the whole. Exits 1 if the whole is below PERCENT (90). Takes some 20 minutes.
#
# build-coverage/coverage.txt then has every file, build-coverage/missed.txt every line that no test ran. Kernels count once,
# for all the instruction sets that this machine has.
set -euo pipefail
# shellcheck source=tools/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

least=${1:-90}
[[ $least =~ ^[0-9]+$ ]] || { sed -n '2,/^set/{/^#/p}' "${BASH_SOURCE[0]}" >&2; exit 2; }
need_packages "${build_packages[@]}" "${test_packages[@]}" clang libclang-rt-dev llvm
folder=$root/build-coverage
programs=(featup_tests featup golden_check openmp_tests embed_c embed_cpp camera_c camera_cpp featup_fuzz)
targets="${programs[*]}" build "$folder" --preset coverage
rm -rf "$folder/counts"
mkdir "$folder/counts"
# One file of counts for each program; processes of it that end at the same time wait for each other.
export LLVM_PROFILE_FILE=$folder/counts/%m.profraw
failed=0
(cd "$folder" && ctest -j "$(nproc)" -E '^(consume|python|book|demo|soak|faults|reference)' >tests.txt) || { tail -n 20 "$folder/tests.txt" >&2; failed=1; }
unset LLVM_PROFILE_FILE
llvm-profdata merge -sparse "$folder"/counts/*.profraw -o "$folder/all.profdata"
arguments=("$folder/bin/${programs[0]}")
for program in "${programs[@]:1}"; do arguments+=(-object "$folder/bin/$program"); done
arguments+=("-instr-profile=$folder/all.profdata")
floors=("$root"/{core,autograd,layers,featup})

# table FLOOR...: lines, those that were run, per cent and name of each file, the sum last.
table() {
  llvm-cov report "${arguments[@]}" "$@" | awk 'NF >= 10 && $8 ~ /^[0-9]+$/ { printf "%7d %7d %6.1f  %s\n", $8, $8 - $9, $8 ? 100 * ($8 - $9) / $8 : 100, $1 }'
}
table "${floors[@]}" >"$folder/coverage.txt"
llvm-cov show "${arguments[@]}" --show-line-counts "${floors[@]}" |
  awk '/^\/.*:$/ { file = $0 } /^ *[0-9]+\| +0\|/ { print file $0 }' | sed "s|^$root/||" >"$folder/missed.txt"
echo "  lines     run      %"
for floor in "${floors[@]}"; do table "$floor" | tail -n 1 | sed "s|TOTAL|${floor#"$root"/}|"; done
echo "The files with the most lines that no test runs:"
head -n -1 "$folder/coverage.txt" | awk '{ print $1 - $2, $0 }' | sort -rn | head -n 15 | cut -d ' ' -f 2-
tail -n 1 "$folder/coverage.txt" | sed 's/TOTAL/all of it/'
tail -n 1 "$folder/coverage.txt" | awk -v least="$least" '{ exit ($3 < least) }' || { echo "below $least %" >&2; failed=1; }
exit $failed
