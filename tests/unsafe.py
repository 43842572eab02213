#!/usr/bin/env python3
"""ARCHITECTURE.md has a row for each piece of unsafe code, and no row too many."""

import collections
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def listed():
    """How many there are in each file by the table."""
    text = (ROOT / "ARCHITECTURE.md").read_text()
    table = text.split("## Unsafe code", 1)[1]
    counts = collections.Counter()
    file = None
    for row in re.findall(r"^\|(.*)\|$", table, re.MULTILINE)[2:]:
        cells = [cell.strip() for cell in row.split("|")]
        file = cells[0].strip("`") or file
        # A row for two functions of one shape is two.
        counts[file] += 2 if cells[2].startswith("two ") else 1
    return counts


def written():
    """How many there are in each file that is shipped."""
    counts = collections.Counter()
    for folder in ("src", "ticklab/src", "examples"):
        for path in (ROOT / folder).rglob("*.rs"):
            code = re.sub(r"//.*", "", path.read_text())
            number = len(re.findall(r"\bunsafe\s*(?:\{|extern\b|fn\b|impl\b|trait\b)", code))
            if number:
                counts[str(path.relative_to(ROOT))] += number
    return counts


def main():
    table, code = listed(), written()
    for file in sorted(table.keys() | code.keys()):
        if table[file] != code[file]:
            sys.exit(f"unsafe: {file} has {code[file]}, ARCHITECTURE.md lists {table[file]}")
    if not code:
        sys.exit("unsafe: found none")
    print(f"covered: {sum(code.values())} pieces of unsafe code in {len(code)} files, each listed")


main()
