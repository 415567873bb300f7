#!/usr/bin/env python3
"""loop_counts.py OBJDUMP FILE.o [LEAST]: the innermost loops of an ARM object file, a line each: instructions, multiply-adds, those by
a lane, vectors and numbers loaded, and accesses of the stack (spills). LEAST: multiply-adds of a loop that is listed, 8.
The table of core/kernels/README.md is made with it."""
import re
import subprocess
import sys


def functions(text):
    name, body = None, []
    for line in text.splitlines():
        head = re.match(r"^[0-9a-f]+ <(.+)>:$", line)
        code = re.match(r"^\s+([0-9a-f]+):\t[0-9a-f ]+\t(\S+)\s*(.*)$", line)
        if head:
            if name:
                yield name, body
            name, body = head.group(1), []
        elif code:
            body.append((int(code.group(1), 16), code.group(2), code.group(3)))
    if name:
        yield name, body


def innermost(body):
    place = {address: i for i, (address, _, _) in enumerate(body)}
    loops = []
    for i, (address, name, operands) in enumerate(body):
        target = re.search(r"\b([0-9a-f]+) <", operands)
        if target and re.match(r"(b\.?\w*|cbn?z|tbn?z)$", name) and not name.startswith("bl"):
            begin = place.get(int(target.group(1), 16))
            if begin is not None and begin < i:
                loops.append((begin, i + 1))
    for a in loops:
        if not any(b != a and b[0] >= a[0] and b[1] <= a[1] for b in loops):
            yield body[a[0]:a[1]]


def main():
    objdump, path = sys.argv[1:3]
    least = int(sys.argv[3]) if len(sys.argv) > 3 else 8
    text = subprocess.run([objdump, "-d", "-C", "--no-show-raw-insn", path], capture_output=True, text=True, check=True).stdout
    text = re.sub(r"^(\s+[0-9a-f]+:\t)", r"\g<1>00\t", text, flags=re.M)
    for name, body in functions(text):
        for loop in innermost(body):
            fused = [o for _, n, o in loop if re.match(r"fml[as]|fn?madd|vfm[as]|vml[as]", n)]
            if len(fused) < least:
                continue
            stack = sum(bool(re.search(r"\[(sp|x29)\b", o)) for _, _, o in loop)
            reads = [n for _, n, o in loop if re.match(r"ld|vld", n) and not re.search(r"\[(sp|x29)\b", o)]
            loads = sum(2 if n == "ldp" else 1 for n in reads)
            lanes = sum(bool(re.search(r"\.[sd]\[\d\]$", o)) for o in fused)
            print(f"{len(loop):4} instructions {len(fused):3} multiply-adds ({lanes:2} by lane) {loads:3} loads {stack:3} stack  {name[:90]}")


main()
