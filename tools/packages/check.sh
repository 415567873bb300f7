#!/usr/bin/env bash
# tools/packages/check.sh DEB TARGZ: are both packages whole, and do they run? Their files against tests/packages/files.txt, their
# bills of materials, the hardening of the program and the library; then the program, and a C program built with the library. As root
# and with debootstrap: all of that on a bare Debian, where the .deb is installed and removed again; else from the unpacked files.
set -euo pipefail
# shellcheck source=tools/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/../setup.sh"

deb=$(realpath "$1") archive=$(realpath "$2")
work=$root/build-package/check
checks=$root/tests/packages
picture=$root/tests/pictures/rgb.png
version=$(dpkg-deb -f "$deb" Version)
rm -rf "$work"
mkdir -p "$work/deb" "$work/archive"
dpkg-deb -x "$deb" "$work/deb"
tar -xzf "$archive" -C "$work/archive" --strip-components=1
multiarch=$(dpkg-architecture -qDEB_HOST_MULTIARCH)

# contents NAME PREFIX LIBDIR FOLDER [alone]: files, bill and hardening of what was unpacked
contents() {
  local prefix=$2 library=$2/$3/libfeatup.so.$version
  echo "$1:"
  cmake -DROOT="$prefix" -DLIB="$3" -DVERSION="$version" -DALL=ON -P "$checks/files.cmake"
  python3 -B "$checks/check_bill.py" "$prefix/share/doc/featup/featup.spdx.json" "$4" "${@:5}"
  cmake "-DFILES=$prefix/bin/featup;$library" -DHARDENED=ON -DSOURCE="$root" -P "$checks/elf.cmake"
}
contents "$(basename "$deb")" "$work/deb/usr" "lib/$multiarch" "$work/deb"
contents "$(basename "$archive")" "$work/archive" lib "$work/archive" alone
echo "depends on: $(dpkg-deb -f "$deb" Depends)"

# A C program of the package's examples, by its pkg-config file, and a picture upsampled. $1: before featup; $2: the examples.
# shellcheck disable=SC2016
try='
  featup --version
  featup upsample /tmp/photo.png --size 64 -o /tmp/out --quiet && test -s /tmp/out/photo.npy
  gcc "$examples/camera.c" -o /tmp/camera $(pkg-config --cflags --libs featup) && /tmp/camera 5'

if [ "$(id -u)" = 0 ] && { command -v debootstrap >/dev/null || need_packages debootstrap; }; then
  in_root() { "$root/tools/packages/root.sh" run "$work/debian" "$1"; }
  "$root/tools/packages/root.sh" make "$work/debian"
  cp "$picture" "$work/debian/tmp/photo.png"
  cp "$deb" "$archive" "$work/debian/tmp/"
  echo "on a bare Debian, nothing installed:"
  in_root "mkdir -p /tmp/a && tar -xzf /tmp/$(basename "$archive") -C /tmp/a --strip-components=1 &&
    /tmp/a/bin/featup --version && /tmp/a/bin/featup upsample /tmp/photo.png --size 64 -o /tmp/alone --quiet"
  in_root "apt-get update -q" >"$work/apt.log" 2>&1
  find "$work/debian" -xdev -name '*featup*' -not -path "$work/debian/tmp/*" | sort >"$work/before"
  # As its users do without apt: the package first, then what it depends on.
  in_root "dpkg -i /tmp/$(basename "$deb") || apt-get install -y -q --no-install-recommends -f" >>"$work/apt.log" 2>&1
  in_root "dpkg -s featup | grep -x 'Status: install ok installed'"
  in_root "apt-get install -y -q --no-install-recommends gcc libc6-dev pkg-config" >>"$work/apt.log" 2>&1
  in_root "examples=/usr/share/doc/featup/examples; $try"
  in_root "cmp /tmp/out/photo.npy /tmp/alone/photo.npy"
  in_root "zcat /usr/share/man/man1/featup.1.gz | head -n 1"
  in_root "apt-get purge -y -q featup" >>"$work/apt.log" 2>&1
  find "$work/debian" -xdev -name '*featup*' -not -path "$work/debian/tmp/*" | sort >"$work/after"
  diff "$work/before" "$work/after" || { echo "files stay after the package is removed" >&2; exit 1; }
  rm -rf "$work/debian"
else
  echo "skipped: a bare Debian wants root and debootstrap; the unpacked files are tried here"
  # unpacked PREFIX LIBDIR: in a shell of its own
  unpacked() {
    (
      export PATH=$1/bin:$PATH LD_LIBRARY_PATH=$1/$2 PKG_CONFIG_PATH=$1/$2/pkgconfig examples=$1/share/doc/featup/examples
      bash -ec "${try//\/tmp/$work}"
    )
  }
  cp "$picture" "$work/photo.png"
  unpacked "$work/deb/usr" "lib/$multiarch"
  unpacked "$work/archive" lib
fi
echo "both packages are whole, and run"
