#!/usr/bin/env python3
"""Writes featup/measure/class_colors.def, the colours of classes: python3 tools/class_colors.py

Only needed to make another table; users need no Python. The first seven are the palette of Okabe and Ito for all kinds
of colour vision (jfly.uni-koeln.de/color), without its black, which stands for "no class". Each further one is the
colour of a grid that lies farthest from all before it, from black and from white; dark ones, which look like no class,
are left out. The distance of two colours is the
smallest of four in CIELAB: as seen with full colour vision, and without one kind of cones, by the matrices of Machado,
Oliveira and Fernandes 2009 (doi 10.1109/TVCG.2009.113). So they differ in lightness more than in hue."""
import pathlib

OKABE_ITO = [(230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178), (213, 94, 0), (204, 121, 167)]
AVOIDED = [(0, 0, 0), (255, 255, 255)]
VISIONS = [
    [(1, 0, 0), (0, 1, 0), (0, 0, 1)],
    [(0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)],
    [(0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)],
    [(1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)],
]
DARKEST = 20  # L*, of 0 to 100
LEVELS = [0, 24, 48, 72, 96, 120, 144, 168, 192, 216, 240, 255]


def linear(level):
    v = level / 255
    return v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4


def lab(rgb):
    """CIELAB (D65) of linear sRGB."""
    r, g, b = (min(1.0, max(0.0, v)) for v in rgb)
    xyz = ((0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505, 0.2126 * r + 0.7152 * g + 0.0722 * b,
           (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089)
    x, y, z = (t ** (1 / 3) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116 for t in xyz)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def seen(color):
    """The colour in CIELAB for each kind of vision."""
    rgb = [linear(v) for v in color]
    return [lab([sum(m * v for m, v in zip(row, rgb)) for row in matrix]) for matrix in VISIONS]


def distance(a, b):
    return min(sum((p - q) ** 2 for p, q in zip(u, v)) for u, v in zip(a, b))


def main():
    colors = list(OKABE_ITO)
    grid = {(r, g, b): seen((r, g, b)) for r in LEVELS for g in LEVELS for b in LEVELS}
    nearest = {c: min(distance(s, seen(k)) for k in colors + AVOIDED) for c, s in grid.items() if s[0][0] >= DARKEST}
    while len(colors) < 256:
        best = max(sorted(nearest), key=nearest.get)
        colors.append(best)
        chosen = grid[best]
        del nearest[best]
        for c in nearest:
            nearest[c] = min(nearest[c], distance(grid[c], chosen))
    lines = ["// Written by tools/class_colors.py, which says how they were chosen. Red, green, blue."]
    for i in range(0, 256, 8):
        lines.append(", ".join("0x%02x%02x%02x" % c for c in colors[i:i + 8]) + ",")
    path = pathlib.Path(__file__).parent.parent / "featup" / "measure" / "class_colors.def"
    path.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
