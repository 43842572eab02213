"""Asks for a use of each item of 1.0.0 in tests/suite/version_1_0, which is compiled with that version and
with this one: see public-api.sh. A function is to become a pointer of its type there, and a trait to be
a bound of what a type is passed to."""

import pathlib
import re
import sys

CODE = pathlib.Path("tests/suite/version_1_0")
# Nobody can name them but the compiler.
NAMELESS = {"Freeze", "StructuralPartialEq", "UnsafeUnpin"}
# tokio's own type has come in its place, and has none.
NOT_KEPT = {"impl Hash for MissedTickBehavior"}


def items(listing):
    """What is listed, without crates and modules; the methods of traits go without saying."""
    of_trait = False
    for line in listing:
        line = re.sub(r"\b(?:core|alloc|std|tokio|tokio_osinterval)(?:::[a-z_]+)*::(?=\w)", "", line)
        if line.startswith("impl"):
            trait = re.match(r"impl (\w+) for ", line)
            of_trait = " for " in line
            if trait and trait[1] not in NAMELESS:
                yield line
        elif not line.startswith("pub mod ") and not (of_trait and re.match(r"pub fn \w+::", line)):
            yield line


def is_used(item, code):
    if of_trait := re.fullmatch(r"impl (\w+) for (\w+)", item):
        trait, of = of_trait.groups()
        checks = re.findall(rf"= (\w+)::<{of}>\(\)", code)
        return any(re.search(rf"fn {check}<[^{{]*\b{trait}\b", code) for check in checks)
    kind, path = re.match(r"pub (async fn |fn |type |enum |struct |)((?:\w+::)?\w+)", item).groups()
    # The type of what an `async fn` returns has no name: it is called. An alias is said to be what it is.
    uses = {"fn ": rf"=\s+{path};", "async fn ": rf"\b{path}\(", "type ": rf"fn\({path}\) -> "}
    return re.search(uses.get(kind, rf"\b{path}\b"), code)


def main():
    code = "\n".join(path.read_text(encoding="utf-8") for path in sorted(CODE.glob("*.rs")))
    # Neither a comment nor an import is a use.
    code = re.sub(r"//.*|\buse [^;]*;", "", code)
    listed = list(items(sys.stdin.read().splitlines()))
    unused = {item for item in listed if not is_used(item, code)}
    if unused != NOT_KEPT:
        for item in sorted(unused ^ NOT_KEPT):
            print("not used:" if item in unused else "used:", item, file=sys.stderr)
        sys.exit(f"public-api: {CODE} is to use all that 1.0.0 has but {', '.join(NOT_KEPT)}")
    print(f"checked: {len(listed) - len(unused)} items of 1.0.0 in {CODE}")


main()
