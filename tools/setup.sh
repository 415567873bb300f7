# shellcheck shell=bash
# Sourced by the other scripts: installs what is missing, builds, gets pictures to learn from, keeps tables.
# Works as root or with sudo, from any directory, and offline once the packages are there.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export DEBIAN_FRONTEND=noninteractive

build_packages=(g++ cmake ninja-build libeigen3-dev nlohmann-json3-dev zlib1g-dev libcli11-dev libstb-dev libturbojpeg0-dev)
test_packages=(doctest-dev libmicrohttpd-dev curl)
# What tools/test.sh all has more.
all_packages=(git ccache clang libclang-rt-dev clang-format clang-tidy pkg-config chromium python3-pytest python3-numpy python3-sklearn python3-venv openmpi-bin libopenmpi-dev strace zsh fish)
# What tools/package.sh and tools/reproducible.sh have more.
package_packages=(dpkg-dev file binutils python3 libmicrohttpd-dev)
# What tools/book.sh has more.
book_packages=(pandoc graphviz)
# What tools/reference.sh has more.
reference_packages=(doxygen)
# What tools/test_platforms.sh, the last of its steps, has more.
platform_packages=(g++-aarch64-linux-gnu g++-arm-linux-gnueabihf g++-i686-linux-gnu g++-s390x-linux-gnu qemu-user)
# What tools/test_wasm.sh has more.
wasm_packages=(emscripten nodejs chromium)

# A build that is made now uses it; one that is there stays as it is. Builds that compile a file with the same options share it.
if command -v ccache >/dev/null; then
  export CMAKE_CXX_COMPILER_LAUNCHER=ccache CCACHE_BASEDIR="${CCACHE_BASEDIR:-$root}" CCACHE_NOHASHDIR=1
fi

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo --preserve-env=DEBIAN_FRONTEND "$@"
  else
    echo "cannot install packages: run this as root or with sudo, or install: $missing" >&2
    exit 1
  fi
}

# need_packages NAME...: installs those that are not there.
need_packages() {
  missing=""
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
  done
  [ -z "$missing" ] && return
  echo "installing:$missing"
  # shellcheck disable=SC2086
  as_root apt-get install -y -q --no-install-recommends $missing >/dev/null 2>&1 && return
  as_root apt-get update -q >/dev/null
  # shellcheck disable=SC2086
  as_root apt-get install -y -q --no-install-recommends $missing >/dev/null
}

# build FOLDER CMAKE_OPTIONS...: configures and builds, all or only $targets; prints the log only if that fails.
build() {
  local folder=$1 log
  shift
  log=$(mktemp)
  # shellcheck disable=SC2086
  if ! { cmake -S "$root" -B "$folder" -G Ninja "$@" && cmake --build "$folder" ${targets:+--target $targets}; } >"$log" 2>&1; then
    tail -n 60 "$log" >&2
    rm -f "$log"
    echo "the build failed" >&2
    exit 1
  fi
  rm -f "$log"
}

# eval_table OUT NAME ARGUMENTS...: what `featup eval ARGUMENTS` prints, in OUT/NAME.txt, with what made it on top, its charts in OUT/NAME.
eval_table() {
  local table=$1/$2 begin=$SECONDS
  echo "$2..."
  "$root/build/bin/featup" eval "${@:3}" -o "$table" >"$table.part" 2>"$table.log" || { cat "$table.log" >&2; exit 1; }
  {
    echo "commit $(git -C "$root" rev-parse --short HEAD), $(date -I), $((SECONDS - begin)) s: featup eval ${*:3}"
    cat "$table.part"
  } >"$table.txt"
  rm "$table.part" "$table.log"
}

# get_pictures: photographs and cut-outs under free licences, from Debian's packages, in ./pictures. The packages are unpacked, not installed.
get_pictures() {
  local photos share name
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
}

# prepare_builtin FOLDER: builds, and goes into the folder where $backbone, a file, is to be learned from on get_pictures' pictures.
prepare_builtin() {
  [ -f "$backbone" ] || { echo "no such file: $backbone" >&2; exit 1; }
  backbone=$(realpath "$backbone")
  local work
  work=$(realpath -m "$1")
  need_packages "${build_packages[@]}"
  build "$root/build" -DCMAKE_BUILD_TYPE=Release
  mkdir -p "$work"
  cd "$work"
  get_pictures
}
