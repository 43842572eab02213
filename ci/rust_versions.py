"""Checks that no dependency of the library or ticklab in Cargo.lock declares a newer Rust than the two promise. Covers
all systems, and leaves out the dependencies of tests."""

import json
import subprocess
import sys


def cargo(*arguments):
    done = subprocess.run(["cargo", *arguments, "--locked"], check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


def number(version):
    return [*map(int, version.split(".")), 0][:3]


packages = json.loads(cargo("metadata", "--format-version", "1"))["packages"]
needs = {(package["name"], package["version"]): package["rust_version"] for package in packages}
good = True
for name, manifest in [("tokio-osinterval", "Cargo.toml"), ("ticklab", "ticklab/Cargo.toml")]:
    tree = cargo("tree", "--manifest-path", manifest, "--all-features", "--target", "all",
                 "--edges", "normal,build", "--prefix", "none", "--format", "{p}")
    listed = sorted({tuple(line.replace(" v", " ", 1).split()[:2]) for line in tree.splitlines()})
    promised = next(needs[package] for package in listed if package[0] == name)
    newer = [package for package in listed if number(needs[package] or "1.0") > number(promised)]
    for package in newer:
        print(*package, "needs Rust", needs[package], "but", name, "promises", promised, file=sys.stderr)
    if newer:
        good = False
        continue
    silent = sum(needs[package] is None for package in listed)
    print(f"covered: {name}: {len(listed)} packages, none declares a newer Rust than {promised}; {silent} declare none")
sys.exit(not good)
