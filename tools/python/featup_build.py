"""Builds the wheel of this package (PEP 517) with nothing but Python and CMake: compiles the library of the tree around
this folder, and puts libfeatup.so beside the Python files.

FEATUP_LIBRARY: a libfeatup.so that is built already, in place of compiling. CMAKE_ARGS: more options for CMake.
FEATUP_MACHINE: whom the library is compiled for, such as aarch64; default: this machine.
"""

import base64
import hashlib
import os
import pathlib
import platform
import re
import shlex
import shutil
import subprocess
import tempfile
import zipfile

_HERE = pathlib.Path(__file__).resolve().parent
_ROOT = _HERE.parent.parent
_WHEEL = "Wheel-Version: 1.0\nGenerator: featup_build\nRoot-Is-Purelib: false\n"


def _version():
    text = (_ROOT / "CMakeLists.txt").read_text()
    return re.search(r"project\(featup VERSION ([0-9.]+)", text).group(1)


def _metadata():
    lines = ["Metadata-Version: 2.1", "Name: featup", f"Version: {_version()}",
             "Summary: High-resolution features from vision models, on an ordinary CPU",
             "Requires-Python: >=3.8", "Requires-Dist: numpy>=1.22"]
    return "\n".join(lines) + "\n"


def _glibc_needed(library):
    """The newest version of glibc that a library asks for, as (2, 34)."""
    text = subprocess.run(["readelf", "--version-info", "--wide", library], check=True, capture_output=True, text=True)
    versions = [tuple(map(int, v.split("."))) for v in re.findall(r"Name: GLIBC_([0-9.]+)", text.stdout)]
    return max(v[:2] for v in versions)


def _platform(library):
    machine = os.environ.get("FEATUP_MACHINE") or platform.machine()
    if shutil.which("readelf") is None:
        return f"linux_{machine}"
    return "manylinux_{}_{}_".format(*_glibc_needed(library)) + machine


def _build_library(folder):
    given = os.environ.get("FEATUP_LIBRARY")
    if given:
        return pathlib.Path(given).resolve()
    # The compiler's own library comes inside: machines may have an older one.
    options = ["-DCMAKE_BUILD_TYPE=Release", "-DBUILD_SHARED_LIBS=ON", "-DFU_TOOLS=OFF", "-DFU_TESTS=OFF",
               "-DCMAKE_SHARED_LINKER_FLAGS=-static-libstdc++ -static-libgcc -s"]
    if shutil.which("ninja"):
        options += ["-G", "Ninja"]
    options += shlex.split(os.environ.get("CMAKE_ARGS", ""))
    subprocess.run(["cmake", "-S", _ROOT, "-B", folder, *options], check=True)
    subprocess.run(["cmake", "--build", folder, "--target", "fu_shared", "--parallel"], check=True)
    return (pathlib.Path(folder) / "lib" / "libfeatup.so").resolve()


class _Wheel:
    def __init__(self, path, info):
        self._zip, self._info, self._record = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED), info, []

    def add(self, name, data):
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        self._record.append(f"{name},sha256={digest},{len(data)}")
        entry = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))  # the same bytes from the same files
        entry.external_attr, entry.compress_type = 0o644 << 16, zipfile.ZIP_DEFLATED
        self._zip.writestr(entry, data)

    def close(self):
        record = f"{self._info}/RECORD"
        self._zip.writestr(record, "\n".join(self._record + [f"{record},,"]) + "\n")
        self._zip.close()


def _write_wheel(folder, library, editable):
    tag = f"py3-none-{_platform(library)}"
    version = _version()
    name = f"featup-{version}-{tag}.whl"
    info = f"featup-{version}.dist-info"
    wheel = _Wheel(pathlib.Path(folder) / name, info)
    if editable:
        (_HERE / "featup" / "libfeatup.so").write_bytes(library.read_bytes())
        wheel.add("featup.pth", f"{_HERE}\n".encode())
    else:
        for path in sorted((_HERE / "featup").iterdir()):
            if path.suffix in (".py", ".pyi", ".typed") or path.name == "py.typed":
                wheel.add(f"featup/{path.name}", path.read_bytes())
        wheel.add("featup/libfeatup.so", library.read_bytes())
    wheel.add(f"{info}/METADATA", _metadata().encode())
    wheel.add(f"{info}/WHEEL", f"{_WHEEL}Tag: {tag}\n".encode())
    for licence in ("LICENSE", "NOTICE"):
        wheel.add(f"{info}/{licence}", (_ROOT / licence).read_bytes())
    wheel.close()
    return name


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    with tempfile.TemporaryDirectory() as folder:
        return _write_wheel(wheel_directory, _build_library(folder), False)


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    with tempfile.TemporaryDirectory() as folder:
        return _write_wheel(wheel_directory, _build_library(folder), True)


def get_requires_for_build_wheel(config_settings=None):
    return []


get_requires_for_build_editable = get_requires_for_build_wheel


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    info = pathlib.Path(metadata_directory) / f"featup-{_version()}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(_metadata())
    (info / "WHEEL").write_text(_WHEEL + "Tag: py3-none-any\n")
    return info.name


prepare_metadata_for_build_editable = prepare_metadata_for_build_wheel


def build_sdist(sdist_directory, config_settings=None):
    raise NotImplementedError("The sources are the whole tree: build wheels from it, with pip or tools/wheel.sh.")
