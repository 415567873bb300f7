#!/usr/bin/env python3
"""Writes featup/text/unicode_tables.def from Python's unicodedata: python3 tools/unicode_tables.py

Only needed to move to a newer Unicode version; users need no Python. The tables hold letters (categories L*), numbers
(N*), lower case, canonical decompositions and combining classes, and what the rule of the final sigma needs."""
import pathlib
import unicodedata

CODES = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]


def ranges(test):
    """[first, last] of the code points that pass, in order."""
    found = []
    for c in CODES:
        if test(c):
            if found and found[-1][1] == c - 1:
                found[-1][1] = c
            else:
                found.append([c, c])
    return found


def lower_runs():
    """[first, last, step, delta]: every step-th code point of a range becomes lower case by adding delta."""
    runs = []
    for c in CODES:
        low = chr(c).lower()
        if len(low) != 1 or ord(low) == c:  # U+0130 alone becomes two code points: the code knows it
            assert len(low) == 1 or c == 0x130
            continue
        delta, last = ord(low) - c, runs[-1] if runs else None
        gap = c - last[1] if last else 0
        if last and last[3] == delta and (gap == last[2] or (last[0] == last[1] and gap in (1, 2))):
            last[1], last[2] = c, gap
        else:
            runs.append([c, c, 1, delta])
    return runs


def decompositions():
    """[code point, first, second]: one step of the canonical decomposition, second is 0 where there is one only."""
    rows = []
    for c in CODES:
        text = unicodedata.decomposition(chr(c))
        if text and not text.startswith("<"):
            parts = [int(part, 16) for part in text.split()]
            rows.append([c, parts[0], parts[1] if len(parts) > 1 else 0])
    return rows


def combining():
    rows = []
    for c in CODES:
        number = unicodedata.combining(chr(c))
        if number and rows and rows[-1][1] == c - 1 and rows[-1][2] == number:
            rows[-1][1] = c
        elif number:
            rows.append([c, c, number])
    return rows


def final_sigma(before):
    """Whether Python's lower() makes a sigma behind this text a final one."""
    return (before + "\u03a3").lower()[-1] == "\u03c2"


def table(kind, name, rows):
    lines, line = ["inline constexpr %s %s[] = {" % (kind, name)], "   "
    for row in rows:
        item = " {%s}," % ", ".join(str(v) if v < 0 else hex(v) for v in row)
        if len(line) + len(item) > 120:
            lines.append(line)
            line = "   "
        line += item
    return lines + [line, "};", ""]


def main():
    category = lambda kind: ranges(lambda c: unicodedata.category(chr(c))[0] == kind)
    pairs = decompositions()
    apart = [[c, c] for c, _, second in pairs if second and unicodedata.normalize("NFC", chr(c)) != chr(c)]
    lines = [
        "// Unicode %s, written by tools/unicode_tables.py from Python's unicodedata: do not edit." %
        unicodedata.unidata_version,
        '#define FU_UNICODE_VERSION "%s"' % unicodedata.unidata_version,
        "",
        "// first, last: letters, then numbers.",
    ]
    lines += table("Range", "kLetters", category("L")) + table("Range", "kNumbers", category("N"))
    lines += ["// first, last, step, what is added to get the lower case."]
    lines += table("LowerRun", "kLower", lower_runs())
    lines += ["// What has a case, and what the search for a letter with a case passes over: for the final sigma."]
    cased = lambda c: final_sigma(chr(c))
    ignored = lambda c: final_sigma("a" + chr(c)) and not cased(c)
    lines += table("Range", "kCased", ranges(cased)) + table("Range", "kCaseIgnored", ranges(ignored))
    lines += ["// Code point and its canonical decomposition; those that composition leaves apart; combining classes."]
    lines += table("Decomposition", "kDecompositions", pairs)
    lines += table("Range", "kLeftApart", apart) + table("CombiningRun", "kCombining", combining())
    out = pathlib.Path(__file__).parent.parent / "featup" / "text" / "unicode_tables.def"
    out.write_text("\n".join(lines[:-1]) + "\n")


main()
