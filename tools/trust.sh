#!/usr/bin/env bash
# tools/trust.sh [PART...]: does all of this to break the program, or the parts that are named, and prints what was done, how often, and
# what it found, as a table for Markdown. Exits 1 if something was found. All of it takes some three hours; PART:
#
#   fuzz        each target of tests/fuzz for a million changed inputs, those of whole models and programs for 4 minutes, under sanitizers
#   hostile     broken and lying files in each role, under sanitizers; HOSTILE=FOLDER: the files of that folder, too
#   faults      memory, calls of the system, clocks and limits that fail (tools/torture.sh)
#   kills       500 ends by force, signals, and processes that write the same names beside each other
#   soak        10,000 calls in one process, then eight threads for 10 minutes
#   threads     the suites of threads, and the soak, under the thread sanitizer
#   processors  SSE2 alone and ARM, emulated (tools/test_platforms.sh)
#
# What each of them printed is in build/trust/PART.
set -uo pipefail
# shellcheck source=tools/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

parts=(fuzz hostile faults kills soak threads processors)
logs=$root/build/trust
mkdir -p "$logs"
found=0

# numbers PATTERN LOG: the sum of all numbers that stand before PATTERN, with a comma at the thousands
numbers() { grep -oE "[0-9]+ +$1" "$2" | awk '{ n += $1 } END { print n + 0 }' | sed -E ':a; s/^([0-9]+)([0-9]{3})/\1,\2/; ta'; }

# row PART WHAT COMMAND...: runs it with its output in the log, and prints the row; $count is called with the log for "how often".
row() {
  local part=$1 what=$2 begin=$SECONDS code=0
  shift 2
  # In a shell of its own: a build that fails ends that one alone.
  ("$@") >"$logs/$part" 2>&1 </dev/null || code=1
  printf '| %s | %s | %s | %d min |\n' "$what" "$($count "$logs/$part")" "$([ $code = 0 ] && echo nothing || echo "**something: $logs/$part**")" \
    $(((SECONDS - begin + 59) / 60))
  [ $code = 0 ] || found=1
}

# Targets whose inputs take milliseconds: a million of them would take hours.
slow=(upsampler backbone tokenizer command_line c_interface http)
fuzz() {
  local cheap code=0
  mapfile -t cheap < <(sed -nE 's/^FU_FUZZ\((\w+),.*/\1/p' "$root/tests/fuzz/targets.def" | grep -vxF "$(printf '%s\n' "${slow[@]}")")
  FU_FUZZ_RUNS=1000000 "$root/tools/fuzz.sh" 30 "${cheap[@]}" || code=1
  "$root/tools/fuzz.sh" 4 "${slow[@]}" || code=1
  return $code
}
count_fuzz() { echo "$(grep -c executions "$1") targets, $(numbers executions "$1") executions"; }

hostile() {
  targets=featup build "$root/build-clang-sanitize" --preset clang-sanitize &&
    python3 -B "$root/tools/hostile.py" "$root/build-clang-sanitize/bin/featup" &&
    { [ -z "${HOSTILE:-}" ] || python3 -B "$root/tools/hostile.py" "$root/build-clang-sanitize/bin/featup" "$HOSTILE"; }
}
count_hostile() { echo "$(numbers 'files, ' "$1") files, $(numbers 'runs, ' "$1") runs"; }

faults() { "$root/tools/torture.sh" memory calls clock limits; }
kills() { "$root/tools/torture.sh" kills writers; }
count_torture() { for part in memory calls clock limits kills writers; do sed -nE "s/^$part +([0-9]+) runs.*/$part \1/p" "$1"; done | paste -sd, | sed 's/,/, /g'; }

soak() { "$root/tools/soak.sh" 10; }
threads() {
  targets="thread_tests" build "$root/build-threads" --preset threads &&
    TSAN_OPTIONS=die_after_fork=0 "$root/build-threads/bin/thread_tests" --no-intro && "$root/tools/soak.sh" 2 threads
}
count_calls() { echo "$(numbers calls "$1") calls"; }
count_threads() { echo "$(grep -oE 'test cases: +[0-9]+' "$1" | grep -oE '[0-9]+') tests, $(numbers calls "$1") calls"; }

processors() { FU_NEVER_SKIP=1 "$root/tools/test_platforms.sh"; }
count_processors() { grep -c '^== ' "$1" | sed 's/$/ processors/'; }

[ $# -eq 0 ] || parts=("$@")
echo "commit $(git -C "$root" rev-parse --short HEAD), $(date -I), $(nproc) cores of $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)"
printf '| what was done | how often | found | time |\n|---|---|---|---|\n'
for part in "${parts[@]}"; do
  case $part in
    fuzz) count=count_fuzz row fuzz "changed files, command lines, calls of the C interface and requests, under sanitizers" fuzz ;;
    hostile) count=count_hostile row hostile "hostile files in every role, under sanitizers" hostile ;;
    faults) count=count_torture row faults "allocations and calls of the system that fail, clocks that jump, limits" faults ;;
    kills) count=count_torture row kills "ends by force, signals, writers beside each other" kills ;;
    soak) count=count_calls row soak "calls in one process: bits, memory, descriptors, threads" soak ;;
    threads) count=count_threads row threads "under the thread sanitizer" threads ;;
    processors) count=count_processors row processors "other processors, emulated: suites and reference cases" processors ;;
    *) sed -n '2,/^set/{/^#/p}' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
  esac
done
exit $found
