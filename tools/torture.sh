#!/usr/bin/env bash
# tools/torture.sh [--quick] [--kills N] [--seed N] [PART...]: what faults of the machine do to the program and to the C interface. All parts, or
# those named, as many at a time as there are cores; a line for each, with the runs of each command. Exits 1 if something was found; each
# finding is a line that says how to do it again. Nothing is left behind.
#
#   memory   every allocation of a command fails with all that follow it, and every 16th alone; of the C interface every one alone
#   calls    every call that reaches a file fails (EIO, ENOSPC, EBADF), is interrupted, does half of the work, or is the last one (SIGKILL);
#            threads cannot be made
#   kills    500 ends by force at random moments (--kills N), and SIGTERM, SIGHUP and SIGXCPU
#   writers  two and eight processes write the same names into one folder, some of them are killed
#   clock    the clock goes two hours back, or forth, at each look at it
#   limits   few descriptors, a small stack, address space, sizes of files, a folder that cannot be written, a full disk (as root), a full device
#
# Expected: success with the undisturbed run's results, or exit code 1 and one line; never a signal, a hang or half a file under its final
# name. The run after an end by force gives the same bits, and nothing is left of the parts of files. --quick: a sample of each, as the tests
# have it. tests/faults/README.md says how it works, and how one fault is done again.
set -euo pipefail
# shellcheck source=tools/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

options=()
while [[ ${1:-} == --* ]]; do
  case $1 in
    --quick) options+=("$1"); shift ;;
    --kills | --seed) [[ ${2:-} =~ ^[0-9]+$ ]] || { echo "$1 needs a number" >&2; exit 2; }; options+=("$1" "$2"); shift 2 ;;
    *) sed -n '2,/^set/{/^#/p}' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
  esac
done
parts=(memory calls kills writers clock limits)
[ $# -eq 0 ] || parts=("$@")
need_packages "${build_packages[@]}" "${test_packages[@]}"
targets=featup_torture build "$root/build" --preset release
# Also after Ctrl-C: nothing stays.
TMPDIR=$(mktemp -d)
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
chmod 755 "$TMPDIR"
printf '%s\n' "${parts[@]}" |
  xargs -P "$(nproc)" -I{} "$root/build/bin/featup_torture" "${options[@]}" "$root/tests/pictures" {}
