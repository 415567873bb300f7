#!/usr/bin/env bash
# tools/container.sh: runs the commands of ../Dockerfile without Docker, each stage in a bare Debian that debootstrap makes in
# build-container/, and then the program of the image. As root; takes as long as a whole build.
set -euo pipefail
# shellcheck source=tools/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

[ $# = 0 ] || { sed -n '2,/^set/{/^#/p}' "${BASH_SOURCE[0]}" >&2; exit 2; }
[ "$(id -u)" = 0 ] || { echo "run this as root: other folders become the root of a system" >&2; exit 1; }
need_packages debootstrap python3
work=$root/build-container
rm -rf "$work"
mkdir -p "$work"
"$root/tools/packages/root.sh" make "$work/base"
python3 -B "$root/tools/packages/dockerfile.py" "$root/Dockerfile" "$work/base" "$work" "$root/tools/packages/root.sh"

mapfile -t entry <"$work/entry"
cp "$root/tests/pictures/rgb.png" "$work/image/data/photo.png"
"$root/tools/packages/root.sh" run "$work/image" "cd /data && ${entry[*]} --version && ${entry[*]} upsample photo.png --size 64"
[ -s "$work/image/data/featup-out/photo.npy" ] || { echo "the container wrote no features" >&2; exit 1; }
echo "the container works; its package: $(ls "$work"/build/packages/*.deb)"
