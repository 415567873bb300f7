#!/usr/bin/env bash
# tools/demo.sh [IMAGE]: installs what is missing, builds, makes high-resolution features of the photo (or of a scene that the project draws),
# fits a sharper map to it, and says where pictures and the page for the browser are.
set -euo pipefail
# shellcheck source=tools/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

image=${1:-}
if [ -n "$image" ] && [ ! -f "$image" ]; then
  echo "no such picture: $image" >&2
  exit 1
fi
out=${PWD%/}/featup-out
need_packages "${build_packages[@]}"
echo "building..."
# Tests want a package more; a build that has them already keeps them.
if [ -f "$root/build/CMakeCache.txt" ]; then options=(); else options=(-DFU_TESTS=OFF); fi
build "$root/build" -DCMAKE_BUILD_TYPE=Release "${options[@]}"
if [ -z "$image" ]; then
  mkdir -p "$out/photos"
  image=$out/photos/scene.png
  "$root/build/bin/render_scene" 4 448 640 "$image"
fi
name=$(basename "$image")
name=${name%.*}
# The program replaces only pictures that say that it made them. What an older version drew beside its results steps aside.
for picture in "$out/$name.png" "$out/$name.fit.png"; do
  if [ -f "$picture" ] && [ -f "$out/$name.npy" ] && ! [ "$picture" -ef "$image" ] && ! grep -qa 'Software.featup' "$picture"; then
    mv --backup=numbered "$picture" "${picture%.png}.older.png"
  fi
done
"$root/build/bin/featup" upsample "$image" -o "$out"
"$root/build/bin/featup" fit "$image" -o "$out/$name.fit.safetensors"
"$root/build/bin/featup" show --html "$out/$name.fit.safetensors" -o "$out/$name.html"
echo
echo "open this in a browser, and point at something in the photo: $out/$name.html"
echo "pictures: $out/$name.png (photo, coarse features, fine features), $out/$name.fit.png (the fit)"
echo "features for your own program (NumPy, rows x columns x channels): $out/$name.npy"
echo "the program: $root/build/bin/featup --help"
