#!/usr/bin/env bash
# tests/packages/syscalls.sh PROGRAM FOLDER: traces featup, which render_scene stands beside, at its work in FOLDER, and compares its
# system calls with syscalls.txt. No call may start a process or ask for memory that can be written and run. 77, with a line: strace is
# not there or may not trace.
set -euo pipefail
program=$(realpath "$1")
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if ! command -v strace >/dev/null; then echo "skipped: strace is not there"; exit 77; fi
if ! strace -f -o /dev/null true 2>/dev/null; then echo "skipped: strace may not trace here"; exit 77; fi

rm -rf "$2"
mkdir -p "$2/photos"
cd "$2"
for seed in 1 2 3; do "$(dirname "$program")/render_scene" $seed 96 112 photos/$seed.png >/dev/null; done
cp photos/1.png photo.png

# featup ARGUMENT...: traced, into a log of its own
runs=0
featup() {
  runs=$((runs + 1))
  strace -f -qq -o log.$runs "$program" "$@" >out.$runs 2>&1 || { cat out.$runs; echo "featup $* failed" >&2; exit 1; }
}
featup --version
featup man
featup upsample photo.png --size 64 --threads 2 -o out
featup upsample - --size 64 -o - <photo.png
featup features photo.png --size 64 -o out
featup upsample photo.png --size 64 --upsampler fit:0.3@2 --json -o out
featup fit photo.png --size 64 --views 3 --held-out 1 -o out/photo.fit.safetensors
featup query out/photo.fit.safetensors --image photo.png --size 32x48 -o out/query.npy
featup show out/photo.npy -o out/shown.png
featup show --html out/photo.fit.safetensors -o out/photo.html
featup info out/photo.fit.safetensors
featup train photos --size 64 --steps 2 --threads 2 -o out/stack.safetensors

cat log.* >log
failed=0
sed -nE 's/^[0-9]+ +([a-z_0-9]+)\(.*/\1/p' log | sort | uniq -c >made
while read -r count name; do
  grep -qx "$name" "$here/syscalls.txt" && continue
  echo "$name is not in tests/packages/syscalls.txt; $count times, such as: $(grep -m 1 -E "^[0-9]+ +$name\(" log)"
  failed=1
done <made
starts=$(grep -cE '^[0-9]+ +execve\(' log)
if [ "$starts" != $runs ]; then echo "$starts programs were started by $runs runs"; failed=1; fi
if grep -E '^[0-9]+ +(clone3?|v?fork)\(' log | grep -v CLONE_THREAD; then echo "a process was started"; failed=1; fi
if grep -E '^[0-9]+ +(mmap|mprotect)\(.*PROT_WRITE\|PROT_EXEC' log; then echo "memory can be written and run"; failed=1; fi
[ $failed = 0 ] || exit 1
echo "$(wc -l <made) system calls in $runs runs: $(awk '{print $2}' made | xargs)"
