#!/usr/bin/env python3
"""Checks that what documents and scripts name exists: tests in tests/README.md, files in documents, tests and their
modules in scripts."""

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


def modules():
    """The names of all modules with tests, and of those around them."""
    for path in [*(ROOT / "src").rglob("*.rs"), *(ROOT / "tests").rglob("*.rs")]:
        text = path.read_text()
        if TEST.search(text):
            yield from path.relative_to(ROOT).with_suffix("").parts
            yield from re.findall(r"\bmod (\w+) \{", text)


def scripts():
    return [*ROOT.glob("ci/*.sh"), *ROOT.glob("tests/*.sh")]


def modules_in_scripts():
    """The modules whose tests a script selects: `queue::`, `driver::tests::loom::`."""
    for path in scripts():
        for module in re.findall(r"(?<=\s)((?:\w+::)+)(?=\s)", path.read_text()):
            yield from ((name, path.name) for name in module.split("::")[:-1])


def named_in_scripts():
    """What scripts pass as `--skip` or `--exact`, and the table of ci/emulated.sh."""
    for path in scripts():
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
    named = sorted(set(named_in_scripts()))
    # A script may name a part of a path.
    missing += [f"{name} in {script}" for name, script in named if not any(name in path for path in paths)]
    selected, known = sorted(set(modules_in_scripts())), set(modules())
    missing += [f"{name} in {script}" for name, script in selected if name not in known]
    if missing:
        sys.exit(f"promises: no such test, module or file: {', '.join(missing)}")
    print(f"checked: {len(promised)} names in tests/README.md, {len(named) + len(selected)} in scripts")


main()
