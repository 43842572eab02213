"""Compares or writes tests/public-api.txt, and asks for an example of each item: see public-api.sh."""

import json
import re
import sys

LISTING = "tests/public-api.txt"


def listing(lines):
    """Paths without the crates and modules that go without saying; what the mirror `time` has in
    common with the root is listed there."""
    last = {}
    for place, line in enumerate(lines):
        if "pin_project_lite" not in line:
            line = line.rstrip("\n").replace("tokio_osinterval::", "")
            line = re.sub(r"\b(?:core|alloc|std|tokio|futures_core)(?:::[a-z_]+)*::", "", line)
            last[line] = place
    return sorted(last, key=last.get)


def without_example(rustdoc):
    """Public items whose documentation has no example, but for what a trait demands."""
    index = rustdoc["index"].values()
    impls = [item["inner"]["impl"] for item in index if "impl" in item["inner"]]
    demanded = {item for of in impls if of["trait"] for item in of["items"]}
    for item in index:
        kind = next(iter(item["inner"]))
        public = item["crate_id"] == 0 and item["visibility"] == "public"
        if public and kind in ("enum", "function", "module", "struct", "type_alias"):
            if item["id"] not in demanded and "```" not in (item["docs"] or ""):
                yield f"{kind} {item['name']} in {item['span']['filename']}"


with open(sys.argv[1], encoding="utf-8") as rustdoc:
    if missing := list(without_example(json.load(rustdoc))):
        sys.exit("public-api: without an example: " + ", ".join(missing))
api = "".join(f"{line}\n" for line in listing(sys.stdin))
if "--write" in sys.argv:
    with open(LISTING, "w", encoding="utf-8") as listing_file:
        listing_file.write(api)
else:
    with open(LISTING, encoding="utf-8") as listing_file:
        listed = listing_file.read()
    if listed != api:
        ours, theirs = set(api.splitlines()), set(listed.splitlines())
        for line in sorted(ours ^ theirs):
            print("listed, but gone:" if line in theirs else "not listed:", line, file=sys.stderr)
        sys.exit(f"public-api: {LISTING} is not the API: tests/public-api.sh --write")
print(f"checked: {len(api.splitlines())} lines of API")
