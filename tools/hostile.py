#!/usr/bin/env python3
"""Gives every file of a folder to every command that reads files, in every role, and tells what did not end well.

    tools/hostile.py build/bin/featup [FOLDER] [--all]

Without a folder: to files that it makes out of the seeds of tests/fuzz (tools/hostile_files.py), always the same ones.

Well is: exit code 0, or 1 with one line of error; within 5 seconds and 64 MB beside twice the size of the file (pictures
are decoded: 512 MB); no report of a sanitizer, no control character on the terminal. Programs built with sanitizers have
20 seconds and any memory. Exits 1 if a run did not end well; --all prints all runs.
"""
import concurrent.futures
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import hostile_files

PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".pgm", ".ppm", ".pbm", ".tga")


def commands(path, photo, out):
    """The roles that a file can have."""
    yield ["info", path]
    yield ["show", path, "-o", out + ".png"]
    yield ["show", "--html", path, "-o", out + ".html"]
    if path.lower().endswith(PICTURES):
        yield ["upsample", path, "--size", "64", "-o", out]
        yield ["features", path, "-o", out]
        yield ["fit", path, "--size", "64", "--views", "2", "--held-out", "1", "-o", out + ".fit.safetensors"]
        return
    yield ["query", path, "-o", out + ".npy"]
    yield ["query", path, "--size", "4096x4096", "--crop", "9,9,4,4", "-o", out + ".npy"]
    for role in ("--features", "--upsampler", "--backbone", "--project"):
        yield ["upsample", photo, "--size", "64", role, path, "-o", out]
    yield ["upsample", photo, "--size", "64", "--upsampler", path, "--compat", "published", "-o", out]
    yield ["probe", "apply", photo, "--probe", path, "-o", out]
    yield ["segment", photo, "--words", path, "-o", out]
    yield ["text", "a cat", "--backbone", path, "-o", out + ".words.safetensors"]
    yield ["fit", photo, "--size", "64", "--views", "2", "--held-out", "1", "--steps", "2", "--no-grid", "--resume", path,
           "-o", out + ".fit.safetensors"]
    checkpoint = out + ".trained.safetensors"
    shutil.copyfile(path, checkpoint)
    yield ["train", os.path.dirname(photo), "--size", "64", "--steps", "1", "--resume", "-o", checkpoint]


def faults_of(code, seconds, megabytes, size, text, errors, path, sanitized):
    lines = [line for line in errors.split("\n") if "error" in line]
    room = 512 if path.lower().endswith(PICTURES) else 64 + 2 * size / 1e6
    if code not in (0, 1, 2):
        yield "exit code %d" % code
    if code != 0 and len(lines) != 1:
        yield "%d lines of error" % len(lines)
    if "Sanitizer" in errors or "runtime error" in errors:
        yield "a sanitizer's report"
    if any(ord(c) < 32 and c != "\n" or c == "\x7f" for c in text + errors):
        yield "control characters"
    if seconds > (20 if sanitized else 5):
        yield "%.1f s" % seconds
    if megabytes > room and not sanitized:
        yield "%.0f MB" % megabytes


def run(program, path, arguments, sanitized):
    with tempfile.TemporaryFile() as text, tempfile.TemporaryFile() as errors:
        begin = time.time()
        process = subprocess.Popen([program] + arguments + ["--quiet"] * (arguments[0] != "info"), stdin=subprocess.DEVNULL,
                                   stdout=text, stderr=errors)
        timer = threading.Timer(60, process.kill)
        timer.start()
        _, status, usage = os.wait4(process.pid, 0)
        timer.cancel()
        process.returncode = 0
        text.seek(0), errors.seek(0)
        said, told = text.read().decode("latin1"), errors.read().decode("latin1")
        code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status)
        faults = list(faults_of(code, time.time() - begin, usage.ru_maxrss / 1024, os.path.getsize(path), said, told, path,
                                sanitized))
        return code, faults, told.strip().split("\n")[-1][:200]


def main():
    program, *folders = [argument for argument in sys.argv[1:] if argument != "--all"]
    with open(program, "rb") as f:
        sanitized = b"__asan_init" in f.read()
    bad = total = 0
    with tempfile.TemporaryDirectory() as out:
        photo = os.path.join(out, "photos", "photo.ppm")
        os.mkdir(os.path.dirname(photo))
        with open(photo, "wb") as f:
            f.write(b"P6 64 64 255\n" + bytes((x * 3 + y * (c + 1)) % 256 for y in range(64) for x in range(64) for c in range(3)))
        if not folders:
            folders = [os.path.join(out, "made")]
            os.mkdir(folders[0])
            hostile_files.make(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "fuzz", "corpus"), folders[0])
        jobs = []
        for folder in folders:
            for name in sorted(os.listdir(folder)):
                path = os.path.join(folder, name)
                if os.path.isfile(path) and name != "README":
                    jobs += [(path, c) for c in commands(path, photo, os.path.join(out, "%d" % len(jobs)))]
        if not jobs:
            sys.exit("%s: no file is in it" % ", ".join(folders))
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for (path, arguments), (code, faults, last) in zip(
                    jobs, pool.map(lambda job: run(program, job[0], job[1], sanitized), jobs)):
                total, bad = total + 1, bad + bool(faults)
                if faults or "--all" in sys.argv:
                    print("%-4s %s: %s -> %d %s | %s" % ("BAD" if faults else "ok", os.path.basename(path),
                                                       " ".join(a for a in arguments if a != path), code,
                                                       ", ".join(faults), last))
    print("%d files, %d runs, %d ended badly" % (len({path for path, _ in jobs}), total, bad))
    sys.exit(bad > 0)


if __name__ == "__main__":
    main()
