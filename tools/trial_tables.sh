#!/usr/bin/env bash
# tools/trial_tables.sh BACKBONE CAMVID PHOTOS OUT [UPSAMPLER...]: trains stacks of other kinds and recipes than the built-in one, and measures all of
# them: unseen views of PHOTOS and CAMVID's val, which the main tables report, and beside these what no other table has, to choose by: CamVid's training
# photos, named by probes that saw others of them, and photographs from Debian's opencv-doc. OUT takes stacks and tables; what is there already is not
# made again. Three quarters of an hour on two cores; with FEW=1 in the environment, the first two stacks alone, ten minutes.
set -euo pipefail
# shellcheck source=tools/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

[ $# -ge 4 ] || { echo "usage: tools/trial_tables.sh BACKBONE CAMVID PHOTOS OUT [UPSAMPLER...]" >&2; exit 2; }
backbone=$1 camvid=$(realpath "$2") photos=$(realpath "$3") out=$(realpath -m "$4")
shift 4
given=()
for upsampler in "$@"; do
  if [ -e "$upsampler" ]; then upsampler=$(realpath "$upsampler"); fi
  given+=("$upsampler")
done
stacks=("${given[@]}")
prepare_builtin "$root/build/builtin"
mkdir -p "$out"
featup=$root/build/bin/featup

# trial NAME OPTIONS...: a stack trained with these options, on what the built-in one was trained on.
trial() {
  local name=$1
  shift
  stacks+=("$name.safetensors")
  [ -f "$out/$name.safetensors" ] && return
  echo "training $name..."
  rm -f "$out/part.safetensors"
  "$featup" train pictures --backbone "$backbone" --no-mixing --downsampler mean --no-uncertainty "$@" -o "$out/part.safetensors" >"$out/$name.log"
  mv "$out/part.safetensors" "$out/$name.safetensors"
}

start=(--unit-sum --color-range 0.05 --sigma 0.5 --lr 3e-4)
plain=(--average-tokens 0 --back-projection 0)
keys=(--sigma 0.4 --temperature 5 --lr 5e-3 --steps 100)
trial recipe "${start[@]}" --steps 100
trial for-views --unit-sum --color-range 0.05 --sigma 0.4 --lr 3e-4 --steps 100 --like-features 0.85 --blur-features 0
if [ -z "${FEW:-}" ]; then
  trial levels-alone "${start[@]}" --steps 100 "${plain[@]}"
  trial random-keys "${keys[@]}"
  trial sigma-0.7 --unit-sum --color-range 0.05 --sigma 0.7 --lr 3e-4 --steps 100
  trial color-0.07 --unit-sum --color-range 0.07 --sigma 0.5 --lr 3e-4 --steps 100
  trial rate-1e-3 --unit-sum --color-range 0.05 --sigma 0.5 --lr 1e-3 --steps 100
  trial restored-alone "${start[@]}" --steps 100 --average-tokens 0
  trial average-alone "${start[@]}" --steps 100 --back-projection 0
  trial random-keys-alone "${keys[@]}" "${plain[@]}"
  trial published-start-alone --sigma 1 --temperature 1 --lr 1e-3 --steps 100 "${plain[@]}"
  trial kind-as-it-is "${start[@]}" --steps 40
  for radius in 1 2 4 5; do trial kind-radius-$radius "${start[@]}" --steps 40 --radius $radius; done
  for levels in 1 2 3; do trial kind-levels-$levels "${start[@]}" --steps 40 --levels $levels; done
  trial kind-shared "${start[@]}" --steps 40 --shared
  trial kind-free-sum --color-range 0.05 --sigma 0.5 --lr 3e-4 --steps 40
fi

# What to choose by. Of CamVid's training photos: a drive that the probes never saw, and the end of one whose beginning they learn from.
choose=$out/choose
if [ ! -d "$choose" ]; then
  rm -rf "$choose.part"
  mkdir -p "$choose.part"/{new,known}_{learn,learn_labels,name,name_labels} "$choose.part/photos"
  (cd "$choose.part" && apt-get download opencv-doc && dpkg -x opencv-doc*.deb unpacked)
  for name in aero1.jpg aloeL.jpg baboon.jpg basketball1.png board.jpg building.jpg butterfly.jpg ela_original.jpg fruits.jpg home.jpg left01.jpg \
    leuvenA.jpg messi5.jpg orange.jpg rubberwhale1.png squirrel_cls.jpg stuff.jpg; do
    cp "$choose.part/unpacked/usr/share/doc/opencv-doc/examples/data/$name" "$choose.part/photos/"
  done
  rm -rf "$choose.part"/unpacked "$choose.part"/*.deb
  for part in '' _labels; do
    seen=0
    for photo in "$camvid/train$part"/*; do
      case $(basename "$photo") in
        0006R0*) new=name known=learn ;;
        0016E5*)
          seen=$((seen + 1)) new=learn known=learn
          if [ $seen -gt 130 ]; then known=none; fi
          if [ $seen -gt 144 ]; then known=name; fi
          ;;
        *) new=learn known=learn ;;
      esac
      cp "$photo" "$choose.part/new_$new$part/"
      if [ $known != none ]; then cp "$photo" "$choose.part/known_$known$part/"; fi
    done
  done
  mv "$choose.part" "$choose"
fi

cd "$out"
methods=()
for stack in "${stacks[@]}"; do methods+=(--upsampler "$stack"); done
few=(--only --upsampler builtin)
for stack in "${given[@]}"; do few+=(--upsampler "$stack"); done

measure() { [ -f "$1.txt" ] || eval_table . "$@"; }
views=(--size 224x224 --backbone "$backbone")
measure views views "$photos"/*.* "${views[@]}" --only "${methods[@]}"
measure views-seed-1 views "$photos"/*.* "${views[@]}" "${few[@]}" --seed 1
measure views-seed-2 views "$photos"/*.* "${views[@]}" "${few[@]}" --seed 2
measure choose-views views choose/photos/* "${views[@]}" --only "${methods[@]}"
for drive in new known; do
  measure choose-$drive probe --images choose/${drive}_learn --labels choose/${drive}_learn_labels --val-images choose/${drive}_name \
    --val-labels choose/${drive}_name_labels --backbone "$backbone" --only "${methods[@]}"
done
measure probe probe --images "$camvid/train" --labels "$camvid/train_labels" --val-images "$camvid/val" --val-labels "$camvid/val_labels" \
  --backbone "$backbone" --only "${methods[@]}"
echo "stacks, logs of their training and tables: $out"
