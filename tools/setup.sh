# Sourced by demo.sh and test.sh: installs what is missing, and builds.
# Works as root or with sudo, from any directory, and offline once the packages are there.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export DEBIAN_FRONTEND=noninteractive

build_packages=(g++ cmake ninja-build libeigen3-dev nlohmann-json3-dev libcli11-dev libstb-dev libturbojpeg0-dev)
test_packages=(doctest-dev)

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

# build FOLDER CMAKE_OPTIONS...: configures and builds; prints the log only if that fails.
build() {
  local folder=$1 log
  shift
  log=$(mktemp)
  if ! { cmake -S "$root" -B "$folder" -G Ninja "$@" && cmake --build "$folder"; } >"$log" 2>&1; then
    tail -n 60 "$log" >&2
    rm -f "$log"
    echo "the build failed" >&2
    exit 1
  fi
  rm -f "$log"
}
