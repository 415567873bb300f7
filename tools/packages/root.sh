#!/usr/bin/env bash
# tools/packages/root.sh make FOLDER: a bare Debian of this machine's release in FOLDER, by debootstrap, from where this machine's apt gets
#                                     its packages. As root.
# tools/packages/root.sh run FOLDER COMMAND: runs a shell command there.
set -euo pipefail

make_root() {
  local folder=$1 release sites mirror options=(--variant=minbase) log=$1.log
  release=$(. /etc/os-release && echo "$VERSION_CODENAME")
  # Where this machine's apt gets its own release, with the updates: SITE SUITE COMPONENT.
  # shellcheck disable=SC2016
  sites=$(apt-get indextargets --format '$(SITE) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' | grep -E " $release(-updates|-security)? " | sort -u)
  mirror=$(awk -v release="$release" '$2 == release { print $1; exit }' <<<"$sites")
  [ -n "$mirror" ] || { echo "apt knows no place of $release: run apt-get update" >&2; exit 1; }
  if [[ $mirror == https:* ]]; then options+=(--include=ca-certificates); fi
  rm -rf "$folder" "$folder.part"
  mkdir -p "$folder.part"
  debootstrap "${options[@]}" "$release" "$folder.part" "$mirror" >"$log" 2>&1 || { tail -n 30 "$log" >&2; exit 1; }
  awk '{ print "deb", $0 }' <<<"$sites" >"$folder.part/etc/apt/sources.list"
  # Proxies and the like.
  apt-config dump | grep -E '^Acquire::(http|https|Check|Retries)' >"$folder.part/etc/apt/apt.conf.d/00host" || true
  cp /etc/resolv.conf /etc/hosts "$folder.part/etc/"
  rm -rf "$folder.part"/var/cache/apt/archives/*.deb
  mv "$folder.part" "$folder"
}

run_in() {
  local folder=$1 command=$2
  # Its own /proc, where this machine lets it have one; it goes with the command.
  local own=(sh)
  if unshare --mount true 2>/dev/null; then own=(unshare --mount sh); fi
  # shellcheck disable=SC2016
  "${own[@]}" -c '[ "$0" = sh ] || mount -t proc proc "$1/proc" 2>/dev/null
    exec chroot "$1" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
      CMAKE_BUILD_PARALLEL_LEVEL="$3" sh -ec "$2"' "${own[0]}" "$folder" "$command" "${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc)}"
}

case ${1:-} in
  make) make_root "$(realpath -m "$2")" ;;
  run) run_in "$(realpath "$2")" "$3" ;;
  *) sed -n '2,/^set/{/^#/p}' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
