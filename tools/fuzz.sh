#!/usr/bin/env bash
# tools/fuzz.sh [MINUTES [TARGET...]]: gives the readers of files, the command line and the C interface millions of changed inputs, under
# the address and undefined-behaviour sanitizers. Each target of tests/fuzz/targets.def, or those named, runs for MINUTES (1; 0.3 is
# possible) on one core, as many targets at a time as there are cores. FU_FUZZ_RUNS=N: for N executions, and MINUTES at most if it is given.
# FU_FUZZ_SEED=N: always the same changes; else others each time.
#
# What broke something, or takes more than 10 seconds also when it runs alone, is kept as tests/fuzz/corpus/TARGET/found-..., where the tests
# run it from then on; exits 1 then. Inputs that reached new code stay in build-clang-sanitize/fuzz/, where the next run goes on.
set -euo pipefail
# shellcheck source=tools/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

minutes=${1:-1}
timed=$#
[[ $minutes =~ ^[0-9]*\.?[0-9]+$ ]] || { sed -n '2,/^set/{/^#/p}' "${BASH_SOURCE[0]}" >&2; exit 2; }
shift || true
need_packages "${build_packages[@]}" "${test_packages[@]}" clang libclang-rt-dev
targets=featup_fuzz build "$root/build-clang-sanitize" --preset clang-sanitize
fuzz=$root/build-clang-sanitize/bin/featup_fuzz corpus=$root/tests/fuzz/corpus dictionary=$root/tests/fuzz/words.dict work=$root/build-clang-sanitize/fuzz
mapfile -t names < <(sed -nE 's/^FU_FUZZ\((\w+),.*/\1/p' "$root/tests/fuzz/targets.def")
[ $# -eq 0 ] || names=("$@")
seconds=$(awk "BEGIN { print int($minutes * 60 + 0.999) }")
limit="-max_total_time=$seconds -seed=${FU_FUZZ_SEED:-0}"
if [ -n "${FU_FUZZ_RUNS:-}" ]; then
  [ "$timed" != 0 ] || limit="-seed=${FU_FUZZ_SEED:-0}"
  limit="$limit -runs=$FU_FUZZ_RUNS"
fi
export ASAN_OPTIONS=allocator_may_return_null=1:detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1

# fuzz_one NAME: one target; its line of the table is printed at the end.
fuzz_one() {
  local name=$1 log=$work/$1.log code=0 executions rate covered
  mkdir -p "$work/$name" "$work/$name-found"
  # shellcheck disable=SC2086
  "$fuzz" "$name" $limit -timeout=10 -rss_limit_mb=2048 -max_len=131072 -dict="$dictionary" -print_final_stats=1 -verbosity=1 \
    -artifact_prefix="$work/$name-found/" "$work/$name" "$corpus/$name" >"$log" 2>&1 </dev/null || code=$?
  executions=$(sed -nE 's/^stat::number_of_executed_units: *([0-9]+)/\1/p' "$log")
  rate=$(sed -nE 's/^stat::average_exec_per_sec: *([0-9]+)/\1/p' "$log")
  covered=$(grep -oE 'cov: [0-9]+' "$log" | tail -n 1 | cut -c 6-)
  printf '%-14s %10s executions %7s a second %7s edges  %s\n' "$name" "${executions:-?}" "${rate:-?}" "${covered:-?}" \
    "$([ $code = 0 ] && echo "nothing found" || echo "FOUND: see ${log#"$root"/}")"
  # The log of a machine that nobody can ask: what was found, where, and (for a short input) the input itself.
  [ $code = 0 ] || sed -nE '/(ERROR|SUMMARY|DEATH|runtime error|terminate|status|Base64|limit|timeout|^ *#[0-9]+ 0x)/p' "$log" | head -n 60 | cut -c 1-400
  return $code
}
export -f fuzz_one
export fuzz corpus dictionary work limit root
mkdir -p "$work"
failed=$(mktemp)
export failed
trap 'rm -f "$failed"' EXIT
printf '%s\n' "${names[@]}" | xargs -P "$(nproc)" -I{} bash -c 'fuzz_one {} || echo {} $? >>"$failed"'
code=0
while read -r name status; do
  bad=1
  for found in "$work/$name-found"/*; do
    [ -f "$found" ] || continue
    # What took too long beside others, or on a machine that stood still, is given once more, alone.
    if [[ ${found##*/} =~ ^(timeout|slow-unit)- ]] && "$fuzz" "$name" -timeout=10 -rss_limit_mb=2048 "$found" >"$work/$name.again.log" 2>&1 </dev/null; then
      echo "$name: ${found##*/} takes less than 10 seconds alone"
      rm "$found"
      [ "$status" != 70 ] || [ $bad = 2 ] || bad=0  # 70: libFuzzer ended with a timeout, and nothing else
    else
      mv "$found" "$corpus/$name/found-$(basename "$found" | cut -c 1-20)"
      bad=2
    fi
  done
  [ $bad = 0 ] || code=1
done <"$failed"
exit $code
