"""Checks that tests/suite/version_1_0, which is compiled with 1.0.0 and this version, uses each item of 1.0.0: see
public-api.sh. A function must become a pointer of its type there. A trait must bound the parameter of a check that is
called for the type."""

import pathlib
import re
import sys

CODE = pathlib.Path("tests/suite/version_1_0")
# Only the compiler can name these traits.
NAMELESS = {"Freeze", "StructuralPartialEq", "UnsafeUnpin"}
# tokio's own type has replaced this one, and has no `Hash`.
NOT_KEPT = {"impl Hash for MissedTickBehavior"}


def items(listing):
    """The items without crates and modules. The methods of traits are left out."""
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
    # The future of an `async fn` has no name, so the function is called. An alias is the parameter of a function.
    uses = {"fn ": rf"=\s+{path};", "async fn ": rf"\b{path}\(", "type ": rf"fn\({path}\) -> "}
    return re.search(uses.get(kind, rf"\b{path}\b"), code)


def main():
    code = "\n".join(path.read_text(encoding="utf-8") for path in sorted(CODE.glob("*.rs")))
    # Comments and imports are no uses.
    code = re.sub(r"//.*|\buse [^;]*;", "", code)
    listed = list(items(sys.stdin.read().splitlines()))
    unused = {item for item in listed if not is_used(item, code)}
    if unused != NOT_KEPT:
        for item in sorted(unused ^ NOT_KEPT):
            print("not used:" if item in unused else "used:", item, file=sys.stderr)
        sys.exit(f"public-api: {CODE} must use all of 1.0.0, except {', '.join(NOT_KEPT)}")
    print(f"checked: {len(listed) - len(unused)} items of 1.0.0 in {CODE}")


main()
