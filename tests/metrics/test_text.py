from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from lacking import lacking
from nltk.translate.meteor_score import meteor_score
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics import BLEU

from ecgbench.base.errors import MetricError
from ecgbench.metrics import text, wordnet
from ecgbench.metrics.words import words

VOCABULARY = [
    "sinus",
    "rhythm",
    "left",
    "right",
    "bundle",
    "block",
    "old",
    "infarct",
    "normal",
    "ecg",
    "st",
]


def corpus(pairs: int = 40, seed: int = 0) -> tuple[list[str], list[str]]:
    """Random reports; hypotheses are damaged references, some of them empty, some equal."""
    rng = np.random.default_rng(seed)
    references, hypotheses = [], []
    for number in range(pairs):
        said = rng.choice(VOCABULARY, size=rng.integers(1, 14)).tolist()
        heard = [word for word in said if rng.random() > 0.25] + ["ECG"] * int(rng.integers(0, 3))
        references.append(" ".join(said).capitalize() + ".")
        hypotheses.append("" if number % 9 == 4 else " ".join(said if number % 7 == 0 else heard))
    return references, hypotheses


REFERENCES, HYPOTHESES = corpus()


@pytest.fixture
def wordnet_reader() -> object:
    try:
        return wordnet.reader()
    except MetricError as error:
        lacking(f"{error.message}: {error.hint}")


def test_tokens_are_words_of_any_script_without_punctuation() -> None:
    assert words("ST-Hebung, inferiore ISCHÄMIE (V1_V2)\n 4.46") == [
        *("st", "hebung", "inferiore", "ischämie", "v1", "v2", "4", "46")
    ]
    assert words("ﬁne Stra\u0308ße") == ["fine", "sträße"]  # one form for one letter
    assert words(" .,- ") == []


def test_rouge_is_rouge_scores_on_english() -> None:
    ours = text.rouge(REFERENCES, HYPOTHESES)
    scorer = RougeScorer(["rouge1", "rouge2", "rougeL"])
    for i, (reference, hypothesis) in enumerate(zip(REFERENCES, HYPOTHESES, strict=True)):
        for name, score in scorer.score(reference, hypothesis).items():
            assert ours[name][i] == pytest.approx(score.fmeasure, abs=1e-12)


def test_rouge_by_hand() -> None:
    found = text.rouge(["a b c d"], ["a c b"])
    assert found["rouge1"][0] == pytest.approx(2 * 1 * 0.75 / 1.75)
    assert found["rouge2"][0] == 0.0
    assert found["rougeL"][0] == pytest.approx(2 * (2 / 3) * 0.5 / (2 / 3 + 0.5))


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_bleu_of_summed_counts_is_sacrebleus_corpus_bleu(order: int) -> None:
    for seed in range(5):
        references, hypotheses = corpus(seed=seed)
        ours = text.bleu(text.bleu_counts(references, hypotheses).sum(axis=0))
        clean = [[" ".join(words(t)) for t in texts] for texts in (hypotheses, references)]
        scorer = BLEU(tokenize="none", smooth_method="none", max_ngram_order=order)
        theirs = scorer.corpus_score(clean[0], [clean[1]]).score / 100
        assert 0 < theirs < 1
        assert ours[order - 1] == pytest.approx(theirs, abs=1e-12)


def test_bleu_counts_add_up_for_many_resamples_at_once() -> None:
    counts = text.bleu_counts(REFERENCES, HYPOTHESES)
    weights = np.random.default_rng(0).integers(0, 3, (len(counts), 6))
    together = text.bleu(counts.T @ weights)
    for b in range(6):
        rows = np.repeat(np.arange(len(counts)), weights[:, b])
        alone = text.bleu_counts([REFERENCES[i] for i in rows], [HYPOTHESES[i] for i in rows])
        np.testing.assert_allclose(together[:, b], text.bleu(alone.sum(axis=0)))


def test_bleu_of_nothing_and_of_no_match_is_zero() -> None:
    assert text.bleu(text.bleu_counts(["a b"], [""]).sum(axis=0)).tolist() == [0, 0, 0, 0]
    assert text.bleu(text.bleu_counts(["a b"], ["c d"]).sum(axis=0)).tolist() == [0, 0, 0, 0]
    short = text.bleu(text.bleu_counts(["a b c d"], ["a b"]).sum(axis=0))
    assert short.tolist() == pytest.approx([np.exp(-1), np.exp(-1), 0, 0])


def test_meteor_is_nltks(wordnet_reader: object) -> None:
    ours = text.meteor(REFERENCES, HYPOTHESES)
    for i, (reference, hypothesis) in enumerate(zip(REFERENCES, HYPOTHESES, strict=True)):
        tokens = words(reference), words(hypothesis)
        expected = meteor_score([tokens[0]], tokens[1], wordnet=wordnet_reader) if tokens[1] else 0
        assert ours[i] == pytest.approx(expected, abs=1e-12)


def test_meteor_knows_synonyms(wordnet_reader: object) -> None:
    synonym, other = text.meteor(
        ["heart attack", "heart attack"], ["heart onslaught", "heart table"]
    )
    assert synonym > other > 0


def test_an_empty_hypothesis_scores_zero_and_is_counted(wordnet_reader: object) -> None:
    hypotheses = ["", " . ", "normal ECG"]
    references = ["normal ECG"] * 3
    for values in (
        *text.rouge(references, hypotheses).values(),
        text.meteor(references, hypotheses),
    ):
        assert values[:2].tolist() == [0, 0]
        assert values[2] > 0.9
        assert len(values) == 3


def test_bad_input_is_refused() -> None:
    for metric in (text.rouge, text.bleu_counts):
        with pytest.raises(ValueError, match="longer"):
            metric(["a"], ["a", "b"])
    with pytest.raises(MetricError, match="no written reports"):
        text.check_references([])
    with pytest.raises(MetricError, match="reference 1 has no word"):
        text.check_references(["a", "."])


def test_counts_that_are_no_numbers_are_refused_and_not_a_bleu_of_zero() -> None:
    counts = text.bleu_counts(REFERENCES, HYPOTHESES).sum(axis=0)
    counts[2] = np.nan
    with pytest.raises(MetricError, match="BLEU are NaN or infinite"):
        text.bleu(counts)


def test_without_wordnet_the_error_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, ecgbench_home: Path
) -> None:
    import nltk

    monkeypatch.setattr(wordnet, "SYSTEM_FOLDERS", ())
    monkeypatch.setattr(nltk.data, "path", [])
    with pytest.raises(MetricError, match="METEOR needs WordNet") as caught:
        wordnet.reader.__wrapped__()
    assert "nltk.downloader wordnet" in str(caught.value.hint)


def test_a_systems_wordnet_is_completed(
    monkeypatch: pytest.MonkeyPatch, ecgbench_home: Path, tmp_path: Path
) -> None:
    import nltk

    system = tmp_path / "system"
    system.mkdir()
    for name in ("data.noun", "index.sense"):
        (system / name).write_text(name)
    monkeypatch.setattr(wordnet, "SYSTEM_FOLDERS", (tmp_path / "none", system))
    monkeypatch.setattr(nltk.data, "path", [])
    folder = Path(str(wordnet._folder()))
    assert folder == ecgbench_home / "nltk_data" / "corpora" / "wordnet"
    assert sorted(file.name for file in folder.iterdir()) == [
        "data.noun",
        "index.sense",
        "lexnames",
    ]


def test_the_table_of_lexicographer_files_is_wordnets(shared_data: Path) -> None:
    expected = (shared_data / "metadata" / "wordnet_lexnames").read_text()
    assert wordnet.lexnames().split() == expected.split()
