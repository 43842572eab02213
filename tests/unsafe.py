#!/usr/bin/env python3
"""Checks that ARCHITECTURE.md lists each piece of unsafe code, and nothing else."""

import collections
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def listed():
    """The number of pieces in each function, by the table."""
    text = (ROOT / "ARCHITECTURE.md").read_text()
    table = text.split("## Unsafe code", 1)[1]
    counts = collections.Counter()
    file = None
    for row in re.findall(r"^\|(.*)\|$", table, re.MULTILINE)[2:]:
        cells = [cell.strip() for cell in row.split("|")]
        file = cells[0].strip("`") or file
        # A row may have two functions.
        for function in cells[1].split(", "):
            counts[file, function.strip("`").rpartition("::")[2]] += 1
    return counts


def written():
    """The number of pieces in each function, by the code. All tests of a file count as one function."""
    counts = collections.Counter()
    for folder in ("src", "ticklab/src", "examples"):
        for path in (ROOT / folder).rglob("*.rs"):
            code = re.sub(r"//.*", "", path.read_text())
            functions = [(match.start(), match[1]) for match in re.finditer(r"\bfn (\w+)", code)]
            tests = re.search(r"#\[cfg\((?:all\()?test\b", code)
            for found in re.finditer(r"\bunsafe\s*(?:\{|impl\b|trait\b|(?:extern\b[^{;]*?)?fn\b|extern\b)", code):
                # The name of the function stands inside the match, or before it.
                before = [name for start, name in functions if start < found.end()]
                function = before[-1] if before else "-"
                if tests and tests.start() < found.start():
                    function = "a test"
                counts[str(path.relative_to(ROOT)), function] += 1
    return counts


def main():
    table, code = listed(), written()
    for place in sorted(table.keys() | code.keys()):
        if table[place] != code[place]:
            sys.exit(f"unsafe: {' '.join(place)} has {code[place]}, ARCHITECTURE.md lists {table[place]}")
    if not code:
        sys.exit("unsafe: found none")
    print(f"checked: {sum(code.values())} pieces of unsafe code")


main()
