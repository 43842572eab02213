"""Takes crates from cargo's registry, arranges them as a workspace, and replaces their timers with this crate's."""

import json
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORK = ROOT / "target" / "downstream"
# The versions of all dependencies.
LOCK = pathlib.Path(__file__).with_name("Cargo.lock")

TIME = re.compile(r"\btokio(?:_1)?::time\b")
BRACES = re.compile(r"\buse tokio::\{([^;]*)\};")
IN_BRACES = re.compile(r"(?<!:)\b(time(?:::\w+|::\{[^{}]*\})?)\s*(?:,|$)")
LEFT = re.compile(r"\btokio(?:_1)?::(?:time\b|\{[^;]*(?<!:)\btime\b[^;]*\};)")


def sources(crates, lock):
    """Returns the path of each of `crates` (names and versions) in the registry's cache."""
    folder = WORK / "sources"
    (folder / "src").mkdir(parents=True, exist_ok=True)
    (folder / "src" / "lib.rs").touch()
    wanted = [f'{name} = {{ version = "={version}", default-features = false }}\n' for name, version in crates.items()]
    (folder / "Cargo.toml").write_text(
        '[package]\nname = "sources"\n\n[workspace]\n\n[dependencies]\n' + "".join(wanted)
    )
    shutil.copy(lock, folder / "Cargo.lock")
    command = ["cargo", "metadata", "--quiet", "--format-version", "1"]
    metadata = json.loads(subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE).stdout)
    packages = {(package["name"], package["version"]): package["manifest_path"] for package in metadata["packages"]}
    return {crate: pathlib.Path(packages[crate]).parent for crate in crates.items()}


def lay_out(folder, crates, patched, features, lock):
    """Copies `crates` (names and paths) into a workspace. Each depends on this crate with `features`. Those in `patched`
    replace the crates of the registry."""
    shutil.rmtree(folder, ignore_errors=True)
    for name, source in crates.items():
        shutil.copytree(source, folder / name)
        # tokio cannot depend on what depends on it.
        kind = "dev-dependencies" if name == "tokio" else "dependencies"
        with open(folder / name / "Cargo.toml", "a", encoding="utf-8") as manifest:
            manifest.write(f'\n[{kind}.tokio-osinterval]\npath = "{ROOT}"\nfeatures = {json.dumps(features)}\n')
    # All workspaces are built in one target folder, where cargo identifies a crate by its path in the
    # workspace. So no two crates may have the same path.
    places = {name: str((folder / name).relative_to(WORK)) for name in crates}
    (WORK / "Cargo.toml").write_text(
        f'[workspace]\nmembers = {json.dumps([*places.values()])}\nresolver = "2"\n\n[patch.crates-io]\n'
        + "".join(f'{name} = {{ path = "{places[name]}" }}\n' for name in patched)
    )
    shutil.copy(lock, WORK / "Cargo.lock")


def on_our_time(text):
    """Returns `text` with our `time` instead of tokio's, and the number of replacements. No line moves, because the names
    of documentation tests contain line numbers."""
    text, times = TIME.subn("tokio_osinterval::time", text)

    def split(braces):
        nonlocal times
        items = IN_BRACES.findall(braces[1])
        times += len(items)
        ours = "".join(f" use tokio_osinterval::{item};" for item in items)
        return f"use tokio::{{{IN_BRACES.sub('', braces[1])}}};{ours}"

    return BRACES.sub(split, text), times


def rewrite(folder, files=(), changes=(), gone="(?!)"):
    """Replaces the timers of the crate in `folder`, or only those of its test `files`. A rewrite that matches too seldom is
    an error, because the tests would then use the crate's own timers."""
    totals = [0] * (1 + len(changes))
    tests = [folder / "tests" / f"{file}.rs" for file in files]
    for path in tests or [*folder.rglob("*.rs"), *folder.rglob("*.md")]:
        text, times = on_our_time(path.read_text(encoding="utf-8"))
        totals[0] += times
        for index, (what, by, _) in enumerate(changes, 1):
            text, times = re.subn(what, by, text)
            totals[index] += times
        path.write_text(text, encoding="utf-8")
        if left := LEFT.search(text) or re.search(gone, text):
            sys.exit(f"downstream: {path.relative_to(WORK)} still contains {left[0]!r}")
        if files and "tokio_osinterval::" not in text:
            sys.exit(f"downstream: {path.relative_to(WORK)} imports nothing of ours")
    for (what, _, least), total in zip([(TIME.pattern, None, 1), *changes], totals):
        if total < least:
            sys.exit(f"downstream: {folder.relative_to(WORK)} contains {what!r} {total} times, not {least}")


def write_lock(crates):
    """Writes the versions of all dependencies of `crates`: those of our lock, and the newest of the others."""
    lock = ROOT / "Cargo.lock"
    found = sources(crates, lock)
    lay_out(WORK / "lock", {name: found[name, version] for name, version in crates.items()}, (), ["full", "test-util"], lock)
    subprocess.run(["cargo", "update", "--workspace"], cwd=WORK, check=True)
    shutil.copy(WORK / "Cargo.lock", LOCK)
