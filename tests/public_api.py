"""Compares or writes the listing of the API in CHANGELOG.md, and asks for an example of each item:
see public-api.sh."""

import json
import re
import sys

CHANGELOG = "CHANGELOG.md"
BLOCK = re.compile(r"(### API\n\n.*?```text\n)(.*?)(```\n)", re.DOTALL)


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
text = open(CHANGELOG, encoding="utf-8").read()
listed = BLOCK.search(text)
if listed is None:
    sys.exit("public-api: CHANGELOG.md has no listing")
if "--write" in sys.argv:
    with open(CHANGELOG, "w", encoding="utf-8") as changelog:
        changelog.write(text[: listed.start(2)] + api + text[listed.end(2) :])
elif listed[2] != api:
    ours, theirs = set(api.splitlines()), set(listed[2].splitlines())
    for line in sorted(ours ^ theirs):
        print("listed, but gone:" if line in theirs else "not listed:", line, file=sys.stderr)
    sys.exit("public-api: the listing in CHANGELOG.md is not the API: tests/public-api.sh --write")
print(f"checked: {len(api.splitlines())} lines of API")
