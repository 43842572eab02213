"""Runs the tests of other crates with tokio's timers and with this crate's, and compares which tests pass."""

import collections
import dataclasses
import os
import re
import subprocess
import sys

from recipes import RECIPES
from workspace import LOCK, WORK, lay_out, rewrite, sources, write_lock

SIDES = ("tokio", "ours")
ROW = "{:13} {:8} {:14} {:>10} {:>9}  {}"
ENVIRONMENT = os.environ | {
    "CARGO_INCREMENTAL": "0",
    "CARGO_PROFILE_DEV_DEBUG": "0",
    "CARGO_TARGET_DIR": str(WORK / "build"),
    "CARGO_TERM_COLOR": "never",
    # Lints of other crates' code do not matter here.
    "RUSTFLAGS": "--cap-lints=allow",
}
PASSED = re.compile(r"^test (.+) \.\.\. ok$", re.MULTILINE)
SUMMARY = re.compile(r"^test result: .* (\d+) passed; \d+ failed; (\d+) ignored; .* (\d+) filtered out", re.MULTILINE)


@dataclasses.dataclass
class Outcome:
    """The results of a crate's tests."""

    # A count for each name, because tests of two files may have the same name.
    passed: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    ignored: int = 0
    skipped: int = 0
    wrong: list = dataclasses.field(default_factory=list)


def cargo_test(arguments, folder, outcome):
    command = ["timeout", "1200", "cargo", "test", "--no-fail-fast", *arguments]
    ended = subprocess.run(
        command, cwd=folder, env=ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    # The names of documentation tests contain their path in the workspace.
    names = [name.removeprefix(f"{folder.relative_to(WORK)}/") for name in PASSED.findall(ended.stdout)]
    outcome.passed.update(names)
    summaries = [[int(number) for number in summary] for summary in SUMMARY.findall(ended.stdout)]
    passed, ignored, skipped = map(sum, zip(*summaries)) if summaries else (0, 0, 0)
    outcome.ignored += ignored
    outcome.skipped += skipped
    if passed != len(names):
        outcome.wrong.append(f"{passed} tests passed, but {len(names)} names were found")
    # A patch of another version than the requested one has no effect, and the crate stays on tokio's timers.
    if "was not used in the crate graph" in ended.stderr:
        outcome.wrong.append("a dependency has another version than in recipes.py")
    if ended.returncode != 0:
        outcome.wrong.append(f"cargo test ended with {ended.returncode}")
        print(ended.stderr, ended.stdout, sep="\n", file=sys.stderr)


def run(recipe, folder):
    """Runs the tests of the crate in `folder`."""
    outcome = Outcome()
    features = ["--features", recipe.features]
    skip = [word for test in recipe.left_out for word in ("--skip", test)]
    if recipe.files:
        files = [f"--test={file}" for file in recipe.files]
        cargo_test([*features, *files, "--", "--include-ignored", *skip], folder, outcome)
    else:
        cargo_test([*features, "--lib", "--tests", "--", *skip], folder, outcome)
        cargo_test([*features, "--doc", "--", *skip], folder, outcome)
    if outcome.skipped != len(recipe.left_out):
        outcome.wrong.append(f"{outcome.skipped} tests were skipped, not {len(recipe.left_out)}")
    if not outcome.passed:
        outcome.wrong.append("no test passed")
    return outcome


def compare(recipe, found):
    """Prints the row of a recipe. Returns how many tests passed with our timers, and what is wrong."""
    crates = {recipe.crate: recipe.version} | recipe.uses
    copied = {crate: found[crate, version] for crate, version in crates.items()}
    features = ["full", "test-util"] if recipe.pauses else ["full"]
    outcomes = []
    for side in SIDES:
        folder = WORK / f"{recipe.crate}-{recipe.ours}" / side
        lay_out(folder, copied, recipe.uses, features, LOCK)
        if side == "ours":
            rewrite(folder / recipe.crate, recipe.files, recipe.changes, recipe.gone)
            for crate in recipe.uses.keys() - {recipe.crate}:
                rewrite(folder / crate)
        outcomes.append(run(recipe, folder / recipe.crate))
    counts = [outcome.passed.total() for outcome in outcomes]
    remarks = [f"{test}: {why}" for test, why in recipe.left_out.items()] + [*filter(None, [recipe.note])]
    if not recipe.pauses:
        remarks.append("production alarm")
    if ignored := outcomes[0].ignored:
        remarks.append(f"{ignored} ignored by the crate")
    print(ROW.format(recipe.crate, recipe.version, recipe.ours, *counts, "; ".join(remarks)), flush=True)
    wrong = []
    for side, outcome, other in zip(SIDES, outcomes, reversed(outcomes)):
        wrong += [f"with {side}: {what}" for what in outcome.wrong]
        wrong += [f"passes only with {side}: {test}" for test in outcome.passed - other.passed]
    return counts[1], [f"{recipe.crate} {recipe.ours}: {what}" for what in wrong]


def main(wanted):
    known = {recipe.crate for recipe in RECIPES}
    for word in wanted:
        if word not in known and wanted != ["--lock"]:
            print(f"downstream: there is no recipe for {word}", file=sys.stderr)
            sys.exit(2)
    recipes = [recipe for recipe in RECIPES if recipe.crate in wanted] or RECIPES
    crates = {recipe.crate: recipe.version for recipe in recipes}
    for recipe in recipes:
        crates |= recipe.uses
    if wanted == ["--lock"]:
        return write_lock(crates)
    found = sources(crates, LOCK)
    print(ROW.format("crate", "version", "ours", "with tokio", "with ours", "left out, or also changed"))
    results = [compare(recipe, found) for recipe in recipes]
    wrong = [what for _, wrong in results for what in wrong]
    if wrong:
        sys.exit("\n".join(f"downstream: {what}" for what in wrong))
    print(f"checked: {sum(count for count, _ in results)} tests of other crates")


main(sys.argv[1:])
