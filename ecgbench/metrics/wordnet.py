"""WordNet 3.0 for METEOR, from NLTK's data or from Debian's package, without a network."""

from __future__ import annotations

import functools
import shutil
import warnings
from pathlib import Path
from typing import Any

from ecgbench.base.errors import MetricError
from ecgbench.base.paths import atomic_dir, home

SYSTEM_FOLDERS = (Path("/usr/share/wordnet"), Path("/usr/local/share/wordnet"))
"""Where the packages of Linux distributions put WordNet's database files."""

LEXICOGRAPHER_FILES = {
    "adj": (3, "all pert"),
    "adv": (4, "all"),
    "noun": (
        1,
        "Tops act animal artifact attribute body cognition communication event feeling food group "
        "location motive object person phenomenon plant possession process quantity relation "
        "shape state substance time",
    ),
    "verb": (
        2,
        "body change cognition communication competition consumption contact creation emotion "
        "motion perception possession social stative weather",
    ),
}
"""The table ``lexnames``, which Debian's package lacks; ``adj.ppl`` follows as the last row."""


@functools.lru_cache(maxsize=1)
def reader() -> Any:
    """Open WordNet.

    Returns:
        NLTK's ``WordNetCorpusReader``.

    Raises:
        MetricError: There is no WordNet on this machine; says how to install it.
    """
    from nltk.corpus.reader.wordnet import WordNetCorpusReader

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of languages that METEOR does not ask for
        return WordNetCorpusReader(_folder(), None)


def _folder() -> Any:
    import nltk

    own = home() / "nltk_data"
    if str(own) not in nltk.data.path:
        nltk.data.path.append(str(own))  # NLTK reads from registered folders only
    if (found := _registered()) is not None:
        return found
    for source in SYSTEM_FOLDERS:
        if all((source / name).is_file() for name in ("data.noun", "index.sense")):
            _copy_completed(source, own / "corpora" / "wordnet")
            return _registered()
    raise MetricError(
        "METEOR needs WordNet, and there is none on this machine",
        "Run `python -m nltk.downloader wordnet`, or without a network `apt-get install "
        "wordnet-base wordnet-sense-index`.",
    )


def _registered() -> Any:
    import nltk

    for name in ("corpora/wordnet", "corpora/wordnet.zip/wordnet/"):
        try:
            return nltk.data.find(name)
        except LookupError:
            continue
    return None


def _copy_completed(source: Path, target: Path) -> None:
    """Copy a system's WordNet into the cache and add what NLTK expects beside it."""
    with atomic_dir(target) as scratch:
        for file in sorted(file for file in source.iterdir() if file.is_file()):
            shutil.copyfile(file, scratch / file.name)
        (scratch / "lexnames").write_text(lexnames(), encoding="ascii")


def lexnames() -> str:
    """WordNet's table of lexicographer files: number, name and part of speech."""
    rows = [
        (f"{speech}.{name}", number)
        for speech, (number, names) in LEXICOGRAPHER_FILES.items()
        for name in names.split()
    ]
    rows.append(("adj.ppl", 3))
    return "".join(f"{place:02d}\t{name}\t{number}\n" for place, (name, number) in enumerate(rows))
