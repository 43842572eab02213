#!/usr/bin/env python3
"""Every test and file that tests/README.md names exists, and every file that other documents and scripts name."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def main():
    names = set(re.findall(r"`([a-z0-9_]+|[a-z-]+/[\w./-]+)`", (ROOT / "tests" / "README.md").read_text()))
    folders = ("src", "tests", "ticklab/src", "ticklab/tests")
    sources = [path for folder in folders for path in (ROOT / folder).rglob("*.rs")]
    code = "\n".join(path.read_text() for path in sources)
    functions = set(re.findall(r"#\[test\](?:(?!#\[test\]).)*?\bfn (\w+)", code, re.DOTALL))
    missing = sorted(
        name
        for name in names
        if name not in functions and not (("/" in name) and (ROOT / name).exists())
    )
    if missing:
        sys.exit(f"promises: tests/README.md names what is not there: {', '.join(missing)}")
    for document in ("ARCHITECTURE.md", "CONTRIBUTING.md", "PLATFORMS.md", "README.md", "ci/mutants.sh"):
        text = (ROOT / document).read_text()
        for path in re.findall(r"(?<![\w/.-])((?:benches|ci|examples|fuzz|src|tests|ticklab)/[\w./-]*\w)", text):
            if not (ROOT / path).exists():
                sys.exit(f"promises: {document} names what is not there: {path}")
    print(f"checked: {len(names)} names in tests/README.md")


main()
