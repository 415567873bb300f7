#!/usr/bin/env bash
# tools/eval_tables.sh BACKBONE CAMVID PHOTOS OUT [UPSAMPLER...]: makes the quality tables again. CAMVID holds train, train_labels, val and val_labels,
# PHOTOS pictures; OUT takes the tables as text, with commit, command and time on top, and their charts. UPSAMPLER: more methods, such as a published
# checkpoint. What is there already is not made again. Half an hour on two cores, most of it methods that look at each photo often.
set -euo pipefail
# shellcheck source=tools/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

[ $# -ge 4 ] || { echo "usage: tools/eval_tables.sh BACKBONE CAMVID PHOTOS OUT [UPSAMPLER...]" >&2; exit 2; }
backbone=$1 camvid=$2 photos=$3 out=$4
shift 4
more=()
for upsampler in "$@"; do more+=(--upsampler "$upsampler"); done
mkdir -p "$out"

table() { [ -f "$out/$1.txt" ] || eval_table "$out" "$@"; }
views=(views "$photos"/*.* --size 224x224 --backbone "$backbone")
table views "${views[@]}" "${more[@]}" --upsampler fit:0.3@10
for seed in 1 2; do table views-seed-$seed "${views[@]}" --only --upsampler builtin "${more[@]}" --seed $seed; done
probe=(probe --images "$camvid/train" --labels "$camvid/train_labels" --val-images "$camvid/val" --val-labels "$camvid/val_labels")
table probe "${probe[@]}" --backbone "$backbone" "${more[@]}" --upsampler views:24 --upsampler views:48+builtin --upsampler fit:0.3@10
table scene scene --backbone "$backbone" --slow-every 4 "${more[@]}" --upsampler fit:0.3@10
table depth depth --backbone "$backbone" --slow-every 4 "${more[@]}" --upsampler fit:0.3@10
table probe-builtin-backbone "${probe[@]}" --only --upsampler builtin
echo "tables and charts: $out"
