"""Compares or writes tests/public-api.txt, and checks that each item has an example: see public-api.sh."""

import json
import re
import sys

LISTING = "tests/public-api.txt"


def listing(lines):
    """The items with short paths. An item of the root that the mirror `time` also has is listed there."""
    last = {}
    for place, line in enumerate(lines):
        if "pin_project_lite" not in line:
            line = line.rstrip("\n").replace("tokio_osinterval::", "")
            line = re.sub(r"\b(?:core|alloc|std|tokio|futures_core)(?:::[a-z_]+)*::", "", line)
            last[line] = place
    return sorted(last, key=last.get)


def without_example(rustdoc):
    """The public items whose documentation has no example, except those that a trait requires."""
    index = rustdoc["index"].values()
    impls = [item["inner"]["impl"] for item in index if "impl" in item["inner"]]
    required = {item for of in impls if of["trait"] for item in of["items"]}
    for item in index:
        kind = next(iter(item["inner"]))
        public = item["crate_id"] == 0 and item["visibility"] == "public"
        if public and kind in ("enum", "function", "module", "struct", "type_alias"):
            if item["id"] not in required and "```" not in (item["docs"] or ""):
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
            print("listed, but missing:" if line in theirs else "not listed:", line, file=sys.stderr)
        sys.exit(f"public-api: {LISTING} differs from the API; tests/public-api.sh --write updates it")
print(f"checked: {len(api.splitlines())} lines of API")
