"""Mutation run: change one line at a time and see whether a test fails (``make mutants``).

``mutants.yaml`` names mutants by hand, and for each module the tests that should kill its mutants. For the
modules further mutants are drawn at random, by a seed, from single-token changes: another comparison, sign,
constant or boolean. A mutant that no test kills survives, and is listed; ``explained`` names survivors that
change nothing, with the reason.

Files are changed in place, one at a time, and restored; run it in a clean checkout of its own. Each mutant is
tested in a fork of a process that has imported the libraries, so that it costs seconds.
"""

from __future__ import annotations

import argparse
import importlib
import io
import os
import random
import signal
import sys
import time
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
PRELOADED = ("torch", "numpy", "pandas", "scipy.stats", "sklearn.linear_model", "pydantic", "omegaconf",
             "hypothesis", "pytest", "lightning.pytorch")  # fmt: skip
SWAPS = {
    "<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "+": "-", "-": "+", "*": "/",
    "/": "*", "//": "*", "**": "*", "@": "+", "%": "*", "&": "|", "|": "&", "True": "False",
    "False": "True", "and": "or", "or": "and", "not": "", "min": "max", "max": "min", "mean": "sum",
    "any": "all", "all": "any", "argmax": "argmin", "argmin": "argmax", "ones": "zeros",
    "zeros": "ones", "floor": "ceil", "ceil": "floor", "break": "continue",
}  # fmt: skip
OPERAND = (tokenize.NAME, tokenize.NUMBER)


@dataclass(frozen=True)
class Mutant:
    """One changed line."""

    file: str
    line: int
    old: str
    new: str
    tests: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.old.strip()}  ->  {self.new.strip()}"


def token_mutants(file: str, tests: tuple[str, ...]) -> Iterator[Mutant]:
    """Every single-token change of a module's statements; annotations and imports are left alone."""
    text = (ROOT / file).read_text(encoding="utf-8")
    lines = text.splitlines()
    before = None
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        number, column = token.start
        line = lines[number - 1] if number <= len(lines) else ""
        new = _changed(token, before)
        before = token if token.type not in (tokenize.NL, tokenize.COMMENT) else before
        skipped = line.lstrip().startswith(("import ", "from ", "def ", "class ", "raise ", "@"))
        typed = "NDArray[" in line or "->" in line or "Literal[" in line or ": Callable" in line
        if new is None or skipped or typed:
            continue
        changed = line[:column] + new + line[token.end[1] :]
        yield Mutant(file, number, line, changed, tests)


def _changed(token: tokenize.TokenInfo, before: tokenize.TokenInfo | None) -> str | None:
    if token.type == tokenize.NUMBER:
        return f"({token.string} + 1)"
    if token.string not in SWAPS or token.type not in (tokenize.OP, tokenize.NAME):
        return None
    ends = before is not None and (before.type in OPERAND or before.string in (")", "]"))
    if token.string in ("*", "**", "@", "|", "/") and not ends:
        return None  # an unpacking, a decorator
    return SWAPS[token.string]


def named_mutants(entries: list[dict[str, str]], modules: dict[str, list[str]]) -> list[Mutant]:
    """The mutants that the file names; each old line must occur once."""
    found = []
    for entry in entries:
        lines = (ROOT / entry["file"]).read_text(encoding="utf-8").splitlines()
        places = [number for number, line in enumerate(lines, 1) if entry["old"] in line]
        if len(places) != 1:
            raise SystemExit(f"{entry['file']}: {entry['old']!r} occurs {len(places)} times")
        line = lines[places[0] - 1]
        tests = tuple(entry.get("tests") or modules[entry["file"]])
        new = line.replace(entry["old"], entry["new"])
        found.append(Mutant(entry["file"], places[0], line, new, tests))
    return found


def killed(mutant: Mutant, seconds: int) -> bool:
    """Whether a test fails, or takes too long, with the changed line."""
    path = ROOT / mutant.file
    original, times = path.read_bytes(), path.stat()
    lines = original.decode().splitlines(keepends=True)
    lines[mutant.line - 1] = mutant.new + "\n"
    try:
        path.write_text("".join(lines), encoding="utf-8")
        os.utime(path, (times.st_atime, times.st_mtime + 7))
        return _fails(mutant.tests, seconds)
    finally:
        path.write_bytes(original)
        os.utime(path, (times.st_atime, times.st_mtime))


def _fails(tests: tuple[str, ...], seconds: int) -> bool:
    child = os.fork()
    if child == 0:
        signal.alarm(seconds)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        import pytest

        code = pytest.main(["-x", "-q", "-p", "no:cacheprovider", *tests])
        os._exit(int(code))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0


def main() -> None:
    """Run the mutants and list the survivors."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=150)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="part of a file's name")
    parser.add_argument("--seconds", type=int, default=180, help="for the tests of one mutant")
    parser.add_argument("--named", action="store_true", help="the named ones alone")
    asked = parser.parse_args()
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT / "tests"))
    sys.dont_write_bytecode = True
    for name in PRELOADED:
        importlib.import_module(name)
    listed = yaml.safe_load(Path(__file__).with_name("mutants.yaml").read_text(encoding="utf-8"))
    modules, explained = listed["modules"], listed["explained"]
    mutants = named_mutants(listed["named"], modules)
    draw = random.Random(asked.seed)
    share = 0 if asked.named else max(0, asked.count - len(mutants)) / len(modules)
    for place, (file, tests) in enumerate(modules.items()):
        possible = list(token_mutants(file, tuple(tests)))
        wanted = round((place + 1) * share) - round(place * share)
        mutants += draw.sample(possible, min(wanted, len(possible)))
    mutants = [mutant for mutant in mutants if asked.only in mutant.file]
    for tests in sorted({mutant.tests for mutant in mutants}):
        if _fails(tests, asked.seconds):
            raise SystemExit(f"{' '.join(tests)} fail without any change")
    reasons = {(entry["file"], entry["new"].strip()): entry["why"] for entry in explained}
    survivors = []
    for number, mutant in enumerate(mutants, 1):
        started = time.perf_counter()
        dead = killed(mutant, asked.seconds)
        why = reasons.get((mutant.file, mutant.new.strip()))
        state = "killed" if dead else "survives" if why is None else f"survives ({why})"
        print(
            f"{number}/{len(mutants)} {state} {time.perf_counter() - started:.0f} s {mutant}",
            flush=True,
        )
        survivors += [] if dead else [mutant]
    print(f"{len(survivors)} of {len(mutants)} mutants survive.")
    for mutant in survivors:
        print(f"  {mutant}")
    raise SystemExit(len(survivors) > 0.05 * len(mutants))


if __name__ == "__main__":
    main()
