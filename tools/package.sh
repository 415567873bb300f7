#!/usr/bin/env bash
# tools/package.sh [--no-check] [OUT]: packages of the program, the shared library, headers, manual page and completions, in OUT
# (default: packages), each with its bill of materials (SPDX):
#
#   featup_VERSION_ARCHITECTURE.deb        for this release of Debian: apt install ./featup_....deb
#   featup-VERSION-Linux-MACHINE.tar.gz    for any Linux whose C library is not older, to unpack anywhere: the program has all other
#                                          libraries inside, and no command serve
#
# Builds in build-package/; then checks both, in a bare Debian if this is root and debootstrap is there or can be installed, else
# unpacked in a folder. tools/reproducible.sh compares two builds of them. CMAKE_ARGS: more options for CMake.
set -euo pipefail
# shellcheck source=tools/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

check=1
if [ "${1:-}" = --no-check ]; then
  check=0
  shift
fi
if [ $# -gt 1 ] || [[ ${1:-} == -* ]]; then sed -n '2,/^set/{/^#/p}' "${BASH_SOURCE[0]}" >&2; exit 2; fi
out=$(realpath -m "${1:-packages}")
folder=$root/build-package
need_packages "${build_packages[@]}" "${package_packages[@]}"
umask 022
version=$(sed -nE 's/^project\(featup VERSION ([0-9.]+).*/\1/p' "$root/CMakeLists.txt")
# The time of everything inside: the day of the release, which a copy of the sources knows too.
if [ -z "${SOURCE_DATE_EPOCH:-}" ]; then
  SOURCE_DATE_EPOCH=$(date -u -d "$(sed -n 's/^date-released: //p' "$root/CITATION.cff")" +%s)
fi
export SOURCE_DATE_EPOCH

# pack GENERATOR PREFIX CMAKE_OPTIONS...: builds, stages what is installed, writes its bill of materials, and packs it.
pack() {
  local generator=$1 prefix=$2 options bill made
  shift 2
  read -r -a options <<<"${CMAKE_ARGS:-}"
  targets="featup fu_shared fu_inference_shared fu_manual" build "$folder" -DCMAKE_BUILD_TYPE=Release -DFU_TESTS=OFF -DBUILD_SHARED_LIBS=ON -DFU_HARDENING=ON \
    -DCMAKE_INSTALL_PREFIX="$prefix" "$@" "${options[@]}"
  rm -rf "$folder/stage" "$folder/bill" "$folder/packed"
  # A .deb has the prefix in its names of files, an archive has not.
  if [ "$generator" = DEB ]; then
    DESTDIR=$folder/stage cmake --install "$folder" --strip >/dev/null
  else
    cmake --install "$folder" --strip --prefix "$folder/stage" >/dev/null
  fi
  bill=$(python3 -B "$root/tools/packages/bill.py" "$folder" "$folder/stage" "$version" "$folder/bill")
  (cd "$folder" && cpack -G "$generator" -B packed >packed.log 2>&1) || { tail -n 30 "$folder/packed.log" >&2; exit 1; }
  made=$(basename "$folder"/packed/featup[_-]*)
  cp "$folder/packed/$made" "$out/"
  cp "$folder/bill/featup.spdx.json" "$out/$made.spdx.json"
  echo "$made: $bill"
}

mkdir -p "$out"
rm -f "$out"/featup[_-]*
multiarch=$(dpkg-architecture -qDEB_HOST_MULTIARCH)
libraries=/usr/lib/$multiarch
pack DEB /usr -DFU_SERVE=ON -DCMAKE_INSTALL_LIBDIR="lib/$multiarch" -DCMAKE_EXE_LINKER_FLAGS= -DTURBOJPEG_LIBRARY="$libraries/libturbojpeg.so" \
  -DZLIB_LIBRARY_RELEASE="$libraries/libz.so"
# The same objects, linked once more, but for the command serve: its library's archive asks for a dozen more. The linker takes -lz from
# a folder that has the archive alone.
mkdir -p "$folder/archives"
ln -sf "$libraries/libz.a" "$folder/archives/libz.a"
pack TGZ /usr/local -DFU_SERVE=OFF -DCMAKE_INSTALL_LIBDIR=lib -DCMAKE_EXE_LINKER_FLAGS="-static-libstdc++ -static-libgcc -L\"$folder/archives\"" \
  -DTURBOJPEG_LIBRARY="$libraries/libturbojpeg.a" -DZLIB_LIBRARY_RELEASE="$libraries/libz.a"
[ $check = 0 ] || "$root/tools/packages/check.sh" "$out"/featup_*.deb "$out"/featup-*.tar.gz
stat -c '%n: %s bytes' "$out"/featup[_-]*
