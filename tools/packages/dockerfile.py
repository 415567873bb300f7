#!/usr/bin/env python3
"""Runs the commands of a Dockerfile in folders, where there is no Docker: each stage in a copy of a bare Debian.

    tools/packages/dockerfile.py --list DOCKERFILE               prints what would be done, a line each
    tools/packages/dockerfile.py DOCKERFILE BASE WORK RUNNER     BASE: a bare Debian, as debootstrap makes it

WORK/NAME becomes the root of stage NAME, WORK/image that of the last one, WORK/entry its ENTRYPOINT, a word a line. `RUNNER run ROOT COMMAND`
runs a shell command in a root. Known is what our Dockerfile has: FROM debian:..., COPY, RUN, WORKDIR, ENTRYPOINT and CMD.
"""
import fnmatch
import glob
import json
import os
import re
import shutil
import subprocess
import sys


def instructions(path):
    """(word, arguments) of each line; a line that ends with a backslash goes on."""
    with open(path) as file:
        text = file.read().replace("\\\n", " ")
    for line in text.splitlines():
        line = line.strip()
        if line and not line.startswith("#"):
            word, _, rest = line.partition(" ")
            yield word.upper(), rest.strip()


def steps(path):
    """What is to be done, as tuples that begin with a word."""
    names, at = [], None
    for word, rest in instructions(path):
        if word == "FROM":
            image, _, name = rest.partition(" AS ")
            if not image.startswith("debian:"):
                raise SystemExit(f"{path}: FROM {image}; only the official image debian is taken")
            at = name.strip() or "image"
            names.append(at)
            yield "stage", at, image
        elif at is None:
            raise SystemExit(f"{path}: {word} before FROM")
        elif word == "COPY":
            words = rest.split()
            source = words.pop(0)[7:] if words[0].startswith("--from=") else None
            if source is not None and source not in names[:-1]:
                raise SystemExit(f"{path}: COPY --from={source}, which is no stage before")
            yield "copy", source, words[:-1], words[-1]
        elif word == "RUN":
            for name in re.findall(r"/source/([\w./-]+)", rest):
                if not os.path.exists(os.path.join(os.path.dirname(os.path.abspath(path)), name)):
                    raise SystemExit(f"{path}: RUN {name}, which is not in the tree")
            yield "run", rest
        elif word == "WORKDIR":
            yield "workdir", rest
        elif word in ("ENTRYPOINT", "CMD"):
            yield word.lower(), json.loads(rest)
        else:
            raise SystemExit(f"{path}: {word} is an instruction that tools/packages/dockerfile.py does not know")


def ignored(context):
    with open(os.path.join(context, ".dockerignore")) as file:
        patterns = file.read().split()

    def ignore(folder, names):
        if os.path.abspath(folder) != os.path.abspath(context):
            return []
        return [name for name in names if any(fnmatch.fnmatch(name, pattern) for pattern in patterns)]

    return ignore


def copy(context, work, root, source, paths, to):
    for path in paths:
        if source is None:
            if path != ".":
                raise SystemExit(f"COPY {path}: only . is known")
            shutil.copytree(context, root + to, symlinks=True, ignore=ignored(context), dirs_exist_ok=True)
            continue
        found = glob.glob(os.path.join(work, source) + path)
        if not found:
            raise SystemExit(f"COPY --from={source} {path}: there is no such file")
        os.makedirs(root + to, exist_ok=True)
        for name in found:
            shutil.copy2(name, root + to)


def main():
    if sys.argv[1:2] == ["--list"] and len(sys.argv) == 3:
        for step in steps(sys.argv[2]):
            print(f"{step[0]}:", *step[1:])
        return
    if len(sys.argv) != 5:
        raise SystemExit(__doc__)
    path, base, work, runner = sys.argv[1:]
    context, root, folder = os.path.dirname(os.path.abspath(path)), None, "/"
    for kind, *what in steps(path):
        print(f"{kind}:", *what, flush=True)
        if kind == "stage":
            root, folder = os.path.join(work, what[0]), "/"
            subprocess.run(["cp", "-a", base, root], check=True)
        elif kind == "copy":
            copy(context, work, root, *what)
        elif kind == "run":
            code = subprocess.run([runner, "run", root, f"cd {folder} && {what[0]}"]).returncode
            if code:
                raise SystemExit(f"{path}: the command ended with code {code}")
        elif kind == "workdir":
            folder = what[0]
            os.makedirs(root + folder, exist_ok=True)
        elif kind == "entrypoint":
            with open(os.path.join(work, "entry"), "w") as file:
                file.write("\n".join(what[0]) + "\n")


if __name__ == "__main__":
    main()
