"""Report generation, track ``standard``: a language model writes reports from a frozen encoder's tokens.

The encoder's tokens are averaged down to a few. They are the soft prompt of a causal language model (see
``report_writer.py``). Language model, projector, data and seeds are the same for every method. Reports are
so similar that a model can score well without an ECG. Four controls measure this effect:

- ``no-signal``: the same language model, adapters and training with a constant instead of the ECG.
- ``shuffled-signal``: the trained writer gets the test ECG of another patient.
- ``nearest``: the training report of the record with the nearest features, without a language model.
- ``most-common``: the most frequent training report, for every test record.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ecgbench.tasks.protocols.zero_shot.alignment import unit
from numpy.typing import NDArray

from ecgbench.base.errors import DataError
from ecgbench.config.settings import as_dict
from ecgbench.protocol import Bench, Outcome, Protocol, Records, Reported
from ecgbench.results.predictions import TextPredictions

from .settings import ReportSettings

if TYPE_CHECKING:
    from .language_model import LanguageModel
    from .report_writer import Prompts, ReportWriter

Texts = Sequence[str]


@dataclass(frozen=True)
class Written:
    """Texts for the test records, and the choices of the writer."""

    texts: Texts
    choices: dict[str, Any]


class ReportGeneration(Protocol):
    """Reports of the test records, by a writer or by a control."""

    def run(self, bench: Bench) -> Outcome:
        """Train or look up the writer or control of the variant; write one text for each test record.

        Raises:
            MetricError: WordNet is not installed, and METEOR needs it.
            DataError: No training or no validation record has a report.
        """
        _see_that_it_can_be_scored()
        train, val = bench.reports("train"), bench.reports("val")
        if not train.texts or not val.texts:
            raise DataError(
                f"{bench.training_data.spec.name} has {len(train.texts)} training and {len(val.texts)} "
                "validation records with a report: none to learn from, or none to choose by.",
                "Ask for report generation on a data set with reports (see `ecgbench list datasets`).",
            )
        how = bench.settings.answer
        learns = how in ("signal", "shuffled-signal", "no-signal")
        if learns:
            written = _by_writer(bench, train, val, how)
        elif how == "nearest":
            written = _by_nearest(bench, train)
        else:
            written = Written([most_common(train.texts)] * len(bench.test), {})
        return Outcome(
            predictions=TextPredictions(bench.test.ids, tuple(written.texts)),
            n_train=len(train.texts),
            n_val=len(val.texts) if learns else 0,
            choices=written.choices,
        )


def most_common(texts: Texts) -> str:
    """The most frequent report, ignoring case and spacing; ties go to the alphabetically first."""
    from ecgbench.metrics.words import words

    same = [" ".join(words(text)) for text in texts]
    count = Counter(same)
    winner = min(count, key=lambda text: (-count[text], text))
    return texts[same.index(winner)]


def nearest(
    known: NDArray[np.float32], wanted: NDArray[np.float32]
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """For each wanted record the known record with the largest cosine, and this cosine.

    Features ``[n, d]`` and ``[m, d]`` are first standardised by the known records. Otherwise a feature with
    a large mean makes all pairs similar.
    """
    values = known.astype(np.float64)
    mean, spread = values.mean(axis=0), values.std(axis=0)
    scale = np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > 0)
    a, b = (unit((part.astype(np.float64) - mean) * scale) for part in (wanted, values))
    cosines = a @ b.T
    places = cosines.argmax(axis=1)
    return places, cosines[np.arange(len(a)), places]


def deal(patients: NDArray[np.str_], seed: int) -> NDArray[np.intp]:
    """A permutation that maps every record to another patient's record.

    Records are ordered by patient, with patients in random order. The order is then rotated by the largest
    number of records of one patient. This works if no patient has more than half of the records.
    """
    names, group, sizes = np.unique(patients, return_inverse=True, return_counts=True)
    place = np.random.default_rng([seed, 0xDEA1]).permutation(len(names))
    order = np.argsort(place[group], kind="stable")
    dealt = np.empty(len(patients), np.intp)
    dealt[order] = np.roll(order, -int(sizes.max()))
    return dealt


def _by_writer(bench: Bench, train: Reported, val: Reported, how: str) -> Written:
    import torch

    from ecgbench.training.device import pick_device, use_threads

    use_threads(bench.config)
    settings, device = bench.settings, pick_device(bench.config)
    writer, choices = bench.once(
        ("report-writer", how == "no-signal", bench.protocol.fingerprint()),
        lambda: _trained_writer(bench, train, val, how != "no-signal", device),
    )
    prompts = _prompts(bench, bench.test) if how != "no-signal" else _constant(1)
    if how == "shuffled-signal":
        records = bench.test.dataset.records["patient_id"].to_numpy(dtype=str)
        prompts = prompts[deal(records[bench.test.rows], bench.seed)]
    texts = []
    for start in range(0, len(prompts), settings.write_batch):
        part = torch.from_numpy(prompts[start : start + settings.write_batch]).to(device)
        texts += writer.write(part, beams=settings.beams, longest=settings.longest)
    return Written(texts if how != "no-signal" else texts * len(bench.test), choices)


def _trained_writer(
    bench: Bench, train: Reported, val: Reported, shown: bool, device: Any
) -> tuple[ReportWriter, dict[str, Any]]:
    """The writer of this method, data set and seed, or the writer without ECGs."""
    from .language_model import open_language_model, plain

    settings: ReportSettings = bench.settings
    train_texts, val_texts = ([plain(text) for text in part.texts] for part in (train, val))
    lm: LanguageModel = bench.once(
        ("language-model", bench.protocol.fingerprint()),
        lambda: open_language_model(settings.lm, train_texts, val_texts, device),
    )
    prompts = [
        _prompts(bench, part.records) if shown else _constant(len(part.texts))
        for part in (train, val)
    ]
    pairs = [(a, b) for a, b in zip(prompts, (train_texts, val_texts), strict=True)]
    writer, fitted = _stored_writer(lm, pairs, settings, bench.seed, device)
    choices = {
        "language_model": lm.name,
        "language_model_sha256": lm.fingerprint,
        "prompt_tokens": prompts[0].shape[1],
        **fitted,
    }
    return writer, choices


def _stored_writer(
    lm: LanguageModel,
    pairs: Sequence[tuple[Prompts, Texts]],
    settings: ReportSettings,
    seed: int,
    device: Any,
) -> tuple[ReportWriter, dict[str, Any]]:
    """Train a writer, or reuse one with the same inputs; all methods share the no-signal writer."""
    import json

    from safetensors.torch import load_file, save_file

    from ecgbench.base.code import code_address
    from ecgbench.base.hashing import content_hash
    from ecgbench.base.paths import make_once, stage_dir

    from .report_writer import ReportWriter, train_writer

    address = content_hash(
        {
            "language_model": lm.fingerprint,
            "prompts": [hashlib.sha256(prompts.tobytes()).hexdigest() for prompts, _ in pairs],
            "texts": [list(texts) for _, texts in pairs],
            "settings": [as_dict(settings.lora), as_dict(settings.training), settings.longest],
            "seed": seed,
            "code": code_address(ReportWriter.__module__),
        }
    )
    folder = stage_dir("report-writers") / address[:32]
    writer = ReportWriter(lm, pairs[0][0], settings.lora, seed).to(device)

    def make(scratch: Path) -> None:
        fitted = train_writer(
            writer, *pairs, longest=settings.longest, settings=settings.training, seed=seed
        )
        state = {name: value.cpu().contiguous() for name, value in writer.trained().items()}
        save_file(state, scratch / "weights.safetensors")
        (scratch / "fitted.json").write_text(json.dumps(asdict(fitted)) + "\n", "utf-8")

    make_once(folder, make)
    writer.load_state_dict(load_file(folder / "weights.safetensors"), strict=False)
    writer.eval()
    return writer, json.loads((folder / "fitted.json").read_text("utf-8"))


def _prompts(bench: Bench, records: Records) -> Prompts:
    """Tokens of the frozen encoder, averaged down to ``prompt_tokens`` at most: ``[n, K, d]``."""
    most = bench.settings.prompt_tokens
    key = ("prompts", records.dataset.fingerprint, most, tuple(records.ids.tolist()))
    return bench.once(key, lambda: bench.tokens(records, most))


def _constant(count: int) -> Prompts:
    """The constant prompt of the no-signal control: ``[n, 1, 1]``, the same for every method."""
    return np.zeros((count, 1, 1), np.float32)


def _by_nearest(bench: Bench, train: Reported) -> Written:
    places, cosines = nearest(bench.features(train.records), bench.features(bench.test))
    texts = [train.texts[place] for place in places]
    return Written(texts, {"mean_cosine": round(float(cosines.mean()), 6)})


def _see_that_it_can_be_scored() -> None:
    """Check the requirements of scoring before anything is trained."""
    from ecgbench.metrics.wordnet import reader

    reader()
