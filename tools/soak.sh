#!/usr/bin/env bash
# tools/soak.sh [MINUTES [release | threads | sanitize]]: calls the library for long in one process (tests/soak/): 10,000 calls of mixed
# kinds and sizes one after another, then eight threads on shared models for MINUTES (10; 0.5 is possible), while another one changes the
# settings of the process. Results must have the bits that they had alone; memory, descriptors and threads must not grow. Prints the
# figures, and exits 1 if something does not hold.
#
# threads: under the thread sanitizer, with 1,000 calls; sanitize: under the address and undefined-behaviour sanitizers, also with 1,000.
# Resident memory is compared under neither.
set -euo pipefail
# shellcheck source=tools/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

minutes=${1:-10} preset=${2:-release} calls=1000
case $preset in
  release) folder=$root/build calls=10000 ;;
  threads | sanitize) folder=$root/build-$preset ;;
  *) minutes=wrong ;;
esac
[[ $minutes =~ ^[0-9]*\.?[0-9]+$ ]] || { sed -n '2,/^set/{/^#/p}' "${BASH_SOURCE[0]}" >&2; exit 2; }
need_packages "${build_packages[@]}" "${test_packages[@]}"
targets=featup_soak build "$folder" --preset "$preset"
echo "commit $(git -C "$root" rev-parse --short HEAD), $(date -I), $(nproc) cores, build $preset"
"$folder/bin/featup_soak" "$calls" "$(awk "BEGIN { print $minutes * 60 }")"
