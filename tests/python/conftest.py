"""What tests share. FEATUP_PROGRAM is the program to compare with; FEATUP_SOURCE the tree."""

import os
import pathlib
import struct
import zlib

import numpy as np
import pytest

import featup


def write_png(path, pixels):
    """(H, W, 3) uint8 as a PNG, unfiltered."""
    height, width, _ = pixels.shape

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) +
                     chunk(b"IEND", b""))


@pytest.fixture(scope="session")
def image():
    """Smooth colours with a sharp square, (120, 160, 3)."""
    y, x = np.mgrid[0:120, 0:160]
    pixels = np.stack([x * 1.5, y * 2, 255 - x], -1)
    pixels[30:70, 50:90] = (250, 20, 60)
    return pixels.astype(np.uint8)


@pytest.fixture(scope="session")
def backbone():
    return featup.Backbone()


@pytest.fixture(scope="session")
def upsampler():
    return featup.Upsampler()


@pytest.fixture(scope="session")
def program():
    path = os.environ.get("FEATUP_PROGRAM")
    if not path:
        pytest.skip("FEATUP_PROGRAM is not set")
    return path


@pytest.fixture(scope="session")
def source():
    return pathlib.Path(os.environ.get("FEATUP_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
