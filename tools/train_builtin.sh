#!/usr/bin/env bash
# tools/train_builtin.sh BACKBONE [FOLDER]: trains the built-in JBU stack again, from nothing but Debian's photo packages and a file of backbone
# weights (DeiT-Tiny for the one in the tree), and puts it into featup/builtin/. FOLDER, default build/builtin, keeps pictures and checkpoint: the
# same command goes on after an interruption. A quarter of an hour on two cores.
set -euo pipefail
# shellcheck source=tools/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

backbone=${1:?usage: tools/train_builtin.sh BACKBONE [FOLDER]}
[ -f "$backbone" ] || { echo "no such file: $backbone" >&2; exit 1; }
backbone=$(realpath "$backbone")
work=$(realpath -m "${2:-$root/build/builtin}")
need_packages "${build_packages[@]}"
build "$root/build" -DCMAKE_BUILD_TYPE=Release
mkdir -p "$work"
cd "$work"

# Photographs and cut-outs under free licences. The packages are unpacked here, not installed.
photos=(lomiri-wallpapers-16.04 lomiri-wallpapers-20.04 mate-backgrounds palapeli-data plasma-workspace-wallpapers)
if [ ! -d pictures ]; then
  rm -rf packages unpacked pictures.part
  mkdir -p packages unpacked pictures.part/photos cutouts
  (cd packages && apt-get download "${photos[@]}" tuxpaint-stamps-default)
  for package in packages/*.deb; do dpkg -x "$package" unpacked; done
  share=unpacked/usr/share
  cp $share/backgrounds/*.jpg $share/backgrounds/mate/nature/*.jpg $share/palapeli/collection/*.jpg pictures.part/photos/
  for photo in $share/wallpapers/*/contents/images/2560x1600.jpg; do
    name=${photo#"$share/wallpapers/"}
    cp "$photo" "pictures.part/photos/${name%%/*}.jpg"
  done
  # What is drawn or abstract teaches little about photographs.
  rm -f pictures.part/photos/{Fossa_,Infinite-Sea_,Painting-Colors_,analogpattern_,umang_}*.jpg pictures.part/photos/{Autumn,Grey}.jpg
  find $share/tuxpaint/stamps -name '*.png' | grep -vE 'cartoon|symbols|/flags|roadsigns|hanukkah|shapes|space/|naturalforces' | sort |
    while read -r stamp; do cp "$stamp" "cutouts/$(basename "$(dirname "$stamp")")-$(basename "$stamp")"; done
  "$root/build/bin/compose_scenes" pictures.part/scenes 60 480 pictures.part/photos cutouts
  mv pictures.part pictures
fi

resume=()
if [ -f stack.safetensors ]; then resume=(--resume); fi
"$root/build/bin/featup" train pictures --backbone "$backbone" -o stack.safetensors "${resume[@]}" \
  --no-mixing --unit-sum --downsampler mean --no-uncertainty --lr 7e-3 --steps 400 \
  --export "$root/featup/builtin/jbu.safetensors" --dtype f16
echo "the new stack is in featup/builtin/jbu.safetensors; the next build carries it"
