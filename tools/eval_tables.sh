#!/usr/bin/env bash
# tools/eval_tables.sh BACKBONE CAMVID PHOTOS OUT [UPSAMPLER...]: makes the quality tables again. CAMVID holds train, train_labels, val and val_labels,
# PHOTOS pictures; OUT takes the tables as text, with commit, command and time on top, and their charts. UPSAMPLER: more methods, such as a published
# checkpoint. Half an hour on two cores, most of it methods that look at each photo often.
set -euo pipefail
# shellcheck source=tools/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

[ $# -ge 4 ] || { echo "usage: tools/eval_tables.sh BACKBONE CAMVID PHOTOS OUT [UPSAMPLER...]" >&2; exit 2; }
backbone=$1 camvid=$2 photos=$3 out=$4
shift 4
more=()
for upsampler in "$@"; do more+=(--upsampler "$upsampler"); done
mkdir -p "$out"

eval_table "$out" views views "$photos"/*.* --size 224x224 --backbone "$backbone" "${more[@]}"
probe=(probe --images "$camvid/train" --labels "$camvid/train_labels" --val-images "$camvid/val" --val-labels "$camvid/val_labels")
eval_table "$out" probe "${probe[@]}" --backbone "$backbone" "${more[@]}" --upsampler views:24 --upsampler views:48+builtin --upsampler implicit:0.1
eval_table "$out" scene scene --backbone "$backbone" --slow-every 4 "${more[@]}"
eval_table "$out" probe-builtin-backbone "${probe[@]}" --only --upsampler builtin
eval_table "$out" probe-hog "${probe[@]}" --backbone hog --only --upsampler builtin
echo "tables and charts: $out"
