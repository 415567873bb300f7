#!/usr/bin/env bash
# tools/book.sh [--check] [OUT.html]: the book as one page that needs no network, build/book/index.html unless named.
#
# Installs what is missing, builds, runs the program of every chapter, writes its listings, outputs, times and figures into
# tools/book, and makes the page of them. Some minutes on two cores, most of them for the build.
#   --check  runs the same, but writes nothing into tools/book: the page has the numbers and figures that are there
set -euo pipefail
# shellcheck source=tools/setup.sh
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

check=""
if [ "${1:-}" = --check ]; then check=yes; shift; fi
out=${1:-$root/build/book/index.html}
need_packages "${build_packages[@]}" "${test_packages[@]}" "${book_packages[@]}"
targets=book build "$root/build" --preset release
mkdir -p "$root/build/book" "$(dirname "$out")"
out=$(realpath "$out")

cd "$root/tools/book"
mapfile -t chapters < <(printf '%s\n' [0-9]*-*.md | sort -n)
chapters+=(pytorch.md ops.md)
if [ -n "$check" ]; then
  "$root/build/bin/book_pages" --check --measured "$root/build/book/check" "${chapters[@]}" README.md
else
  # All figures are new: one that no program writes any more is then missed by the page that shows it.
  figures=$root/build/book/figures
  rm -rf "$figures"
  "$root/build/bin/book_pages" "$figures" "${chapters[@]}" README.md >/dev/null || [ $? = 1 ]  # what is stale is said below
  rm -rf figures
  cp -r "$figures" figures
  "$root/build/bin/book_pages" --check "$root/build/book/check" "${chapters[@]}" README.md
fi

# Newer versions of pandoc have another name for "all in one file".
whole=--embed-resources
pandoc --help | grep -q -e "$whole" || whole=--self-contained
pandoc --standalone $whole --toc --toc-depth=2 --mathml --from=markdown+pipe_tables-implicit_figures --lua-filter=links.lua --css=book.css \
  --metadata title="The book of featup's engine" --metadata lang=en --metadata root="$(realpath --relative-to="$(dirname "$out")" "$root")" \
  --output="$out" README.md "${chapters[@]}"
echo "$out: $(wc -c <"$out") bytes, ${#chapters[@]} chapters and tables, $SECONDS s"
