"""From a photo to a picture of its features, the mask of a click, and a probe: one page, as a notebook would show it.

    python3 tools/python/examples/photo_to_probe.py [PHOTO] [-o PAGE.html]

PHOTO is a .npy of (H, W, 3) uint8, or a picture if Pillow is there; without one, a scene is drawn. The page holds its
pictures, and loads nothing. The probe is scikit-learn's logistic regression (Debian package python3-sklearn); without
it, least squares take its place.
"""

import argparse
import base64
import contextlib
import html
import inspect
import io
import struct
import textwrap
import zlib

import numpy as np

import featup


def the_photo(path):
    """The photo: rows, columns, and red, green and blue from 0 to 255."""
    if path is None:
        return drawn_scene()
    if path.endswith(".npy"):
        return np.load(path)
    from PIL import Image

    return np.asarray(Image.open(path).convert("RGB"))


def its_features(image):
    """One vector for every pixel, in one call. The built-in model needs no file."""
    features = featup.features(image)
    print(f"{image.shape} pixels -> {features.shape} numbers")
    return features


def principal_components(features):
    """Three principal components as red, green and blue: places of the same colour have similar features."""
    rows = features.reshape(-1, features.shape[2])
    centred = rows - rows.mean(0)
    _, _, axes = np.linalg.svd(centred[:: max(1, len(rows) // 5000)], full_matrices=False)
    components = centred @ axes[:3].T
    low, high = np.percentile(components, (1, 99), 0)
    return (np.clip((components - low) / (high - low), 0, 1) * 255).astype(np.uint8).reshape(*features.shape[:2], 3)


def mask_of_a_click(features, row, column):
    """A click: every pixel whose features point in nearly the same direction belongs to the same thing."""
    unit = features / np.linalg.norm(features, axis=2, keepdims=True)
    similarity = unit @ unit[row, column]
    mask = similarity > (similarity.max() + np.median(similarity)) / 2
    print(f"the click at ({row}, {column}) marks {mask.mean():.0%} of the photo")
    return mask


def probe(features, labels, chosen):
    """A probe learns from a few labelled pixels what the others are."""
    known, classes = features[tuple(chosen.T)], labels[tuple(chosen.T)]
    every = features.reshape(-1, features.shape[2])
    try:
        from sklearn.linear_model import LogisticRegression
    except ImportError:
        print("scikit-learn is not there (Debian package python3-sklearn): least squares take its place")
        mean, wanted = known.mean(0), np.eye(labels.max() + 1)[classes]
        weights = np.linalg.lstsq(known - mean, wanted - wanted.mean(0), rcond=1e-2)[0]
        found = ((every - mean) @ weights + wanted.mean(0)).argmax(1)
    else:
        found = LogisticRegression(max_iter=500).fit(known, classes).predict(every)
    found = found.reshape(labels.shape)
    print(f"{len(chosen)} labelled pixels; {(found == labels).mean():.1%} of all pixels are named rightly")
    return found


# ---- What a notebook would do by itself ----


def drawn_scene(height=240, width=320):
    """A sky, a field, a sun and a house, with some noise."""
    rng = np.random.default_rng(0)
    labels = scene_labels(height, width)
    colors = np.array([(120, 170, 235), (70, 140, 60), (250, 210, 60), (170, 60, 50)], float)
    return np.clip(colors[labels] + rng.normal(0, 12, (height, width, 3)), 0, 255).astype(np.uint8)


def scene_labels(height, width):
    y, x = np.mgrid[0:height, 0:width] / np.array([height, width])[:, None, None]
    labels = np.where(y > 0.6 + 0.05 * np.sin(6 * x), 1, 0)
    labels[(y - 0.25) ** 2 + 1.7 * (x - 0.75) ** 2 < 0.02] = 2
    labels[(abs(x - 0.3) < 0.14) & (abs(y - 0.58) < 0.18)] = 3
    return labels


def png(pixels):
    """(H, W, 3) uint8 as a PNG."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width, _ = pixels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in np.ascontiguousarray(pixels))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) +
            chunk(b"IEND", b""))


class Page:
    """Cells: the code of a function, what it printed, and the picture of its result."""

    def __init__(self):
        self._cells = []

    def run(self, function, *arguments, picture=None):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            result = function(*arguments)
        code, prose = textwrap.dedent(inspect.getsource(function)), inspect.getdoc(function)
        shown = picture(result) if picture else None
        image = "" if shown is None else (
            f'<img alt="{function.__name__}" src="data:image/png;base64,{base64.b64encode(png(shown)).decode()}">')
        self._cells.append(f"<p>{html.escape(prose)}</p><pre>{html.escape(code)}</pre>"
                           f"<samp>{html.escape(printed.getvalue())}</samp>{image}")
        print(printed.getvalue(), end="")
        return result

    def text(self):
        style = ("body{max-width:60em;margin:2em auto;font:16px/1.5 sans-serif}pre{background:#f4f4f4;padding:1em;"
                 "overflow:auto}samp{white-space:pre-wrap}img{display:block;margin:1em 0;max-width:100%}")
        policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
        return (f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>featup</title>'
                f'<meta http-equiv="Content-Security-Policy" content="{policy}"><style>{style}</style></head><body>'
                f"<h1>From a photo to a probe</h1>{'<hr>'.join(self._cells)}</body></html>\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("photo", nargs="?")
    parser.add_argument("-o", "--output", default="photo_to_probe.html")
    given = parser.parse_args()
    page = Page()
    photo = page.run(the_photo, given.photo, picture=lambda image: image)
    features = page.run(its_features, photo)
    height, width = features.shape[:2]
    nearest = np.ix_(np.arange(height) * photo.shape[0] // height, np.arange(width) * photo.shape[1] // width)
    small = photo[nearest]
    page.run(principal_components, features, picture=lambda colors: colors)
    mask = page.run(mask_of_a_click, features, height * 58 // 100, width * 3 // 10,
                    picture=lambda mask: np.where(mask[..., None], small, small // 4))
    # Labels of the drawn scene; of a photo, the click's mask stands for them.
    labels = scene_labels(*photo.shape[:2])[nearest] if given.photo is None else mask.astype(int)
    chosen = np.random.default_rng(1).integers(0, (height, width), (200, 2))
    colors = np.array([(120, 170, 235), (70, 140, 60), (250, 210, 60), (170, 60, 50)], np.uint8)
    page.run(probe, features, labels, chosen, picture=lambda found: colors[found])
    with open(given.output, "w", encoding="utf-8") as file:
        file.write(page.text())
    print(f"wrote {given.output}")


if __name__ == "__main__":
    main()
