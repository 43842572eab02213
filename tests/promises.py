#!/usr/bin/env python3
"""Checks that what documents and scripts name exists: tests in tests/README.md, files in documents, tests in scripts."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TEST = re.compile(r"#\[(?:tokio::)?test\b(?:(?!#\[(?:tokio::)?test\b).)*?\bfn (\w+)", re.DOTALL)


def tests():
    """The paths of all tests: the name of the file and of the function."""
    for folder in ("src", "tests", "ticklab/src", "ticklab/tests"):
        for path in (ROOT / folder).rglob("*.rs"):
            for function in TEST.findall(path.read_text()):
                yield f"{path.stem}::{function}"


def named_in_scripts():
    """What scripts pass as `--skip` or `--exact`, and the table of ci/emulated.sh."""
    for path in [*ROOT.glob("ci/*.sh"), *ROOT.glob("tests/*.sh")]:
        text = path.read_text()
        names = re.findall(r"--(?:skip|exact) \"?([\w:]*\w)", text)
        for table in re.findall(r"^skipped='\n(.*?)^'", text, re.DOTALL | re.MULTILINE):
            names += re.findall(r"^\w+", table, re.MULTILINE)
        yield from ((name, path.name) for name in names)


def main():
    paths = set(tests())
    functions = {path.partition("::")[2] for path in paths}
    promised = set(re.findall(r"`([a-z0-9_]+|[a-z-]+/[\w./-]+)`", (ROOT / "tests" / "README.md").read_text()))
    missing = [
        f"{name} in tests/README.md"
        for name in sorted(promised)
        if name not in functions and not ("/" in name and (ROOT / name).exists())
    ]
    for document in ("ARCHITECTURE.md", "CONTRIBUTING.md", "PLATFORMS.md", "README.md", "ci/mutants.sh"):
        files = re.findall(
            r"(?<![\w/.-])((?:benches|ci|examples|fuzz|src|tests|ticklab)/[\w./-]*\w)", (ROOT / document).read_text()
        )
        missing += [f"{file} in {document}" for file in files if not (ROOT / file).exists()]
    scripts = sorted(set(named_in_scripts()))
    # A script may name a part of a path.
    missing += [f"{name} in {script}" for name, script in scripts if not any(name in path for path in paths)]
    if missing:
        sys.exit(f"promises: no such test or file: {', '.join(missing)}")
    print(f"checked: {len(promised)} names in tests/README.md, {len(scripts)} in scripts")


main()
