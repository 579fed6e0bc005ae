"""Generated reports against written ones: ROUGE, METEOR and BLEU, on one tokenisation.

ROUGE and METEOR are figures of a pair of texts, to be averaged over all pairs; BLEU is a figure of
the whole corpus, made from counts that add up. A hypothesis without a word scores 0 and is counted; it
is never dropped. The implementations are rouge-score, NLTK and sacrebleu: other implementations of
METEOR give other figures, so a result records their versions.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ecgbench.base.errors import MetricError
from ecgbench.metrics.words import words

Values = NDArray[np.float64]

MAX_ORDER = 4


def check_references(references: Sequence[str]) -> None:
    """Check the written reports of test records, before they are compared with generated ones.

    Raises:
        MetricError: No report, or one without a word.
    """
    if not references:
        raise MetricError("there are no written reports to compare with")
    for place, reference in enumerate(references):
        if not words(reference):
            raise MetricError(
                f"reference {place} has no word", "Leave records without a report out of the task."
            )


def rouge(references: Sequence[str], hypotheses: Sequence[str]) -> dict[str, Values]:
    """ROUGE-1, ROUGE-2 and ROUGE-L as F-measures, without stemming (Lin 2004).

    Args:
        references: [pairs] what was written; each has a word.
        hypotheses: [pairs] what was generated; may be empty.

    Returns:
        ``rouge1``, ``rouge2`` and ``rougeL``, each [pairs].

    Raises:
        MetricError: Lists of unequal length, no pair, or a reference without a word; so below.

    >>> rouge(["sinus rhythm"], ["sinus tachycardia"])["rouge1"].tolist()
    [0.5]
    """
    from rouge_score.rouge_scorer import RougeScorer

    names = ("rouge1", "rouge2", "rougeL")
    scorer = RougeScorer(names, tokenizer=_Words())
    pairs = [scorer.score(r, h) for r, h in zip(references, hypotheses, strict=True)]
    return {name: np.array([float(pair[name].fmeasure) for pair in pairs]) for name in names}


def meteor(references: Sequence[str], hypotheses: Sequence[str]) -> Values:
    """METEOR as NLTK computes it: exact, stem and WordNet matches (Banerjee & Lavie 2005).

    WordNet is English; in other languages only exact and stem matches count.

    Returns:
        [pairs].

    Raises:
        MetricError: As for :func:`rouge`, or no WordNet on this machine.
    """
    from nltk.translate.meteor_score import meteor_score

    from ecgbench.metrics.wordnet import reader

    wordnet = reader()
    tokens = [(words(r), words(h)) for r, h in zip(references, hypotheses, strict=True)]
    return np.array([float(meteor_score([r], h, wordnet=wordnet)) if h else 0.0 for r, h in tokens])


def bleu_counts(references: Sequence[str], hypotheses: Sequence[str]) -> Values:
    """What corpus BLEU is made of, pair by pair; the counts of several pairs add up.

    Returns:
        [pairs, 10]: n-grams of order 1 to 4 that match, n-grams of order 1 to 4 in the hypothesis,
        words in the hypothesis, words in the reference.
    """
    from sacrebleu.metrics import BLEU

    scorer = BLEU(tokenize="none", max_ngram_order=MAX_ORDER, effective_order=True)
    rows = []
    for reference, hypothesis in zip(references, hypotheses, strict=True):
        score = scorer.sentence_score(" ".join(words(hypothesis)), [" ".join(words(reference))])
        rows.append([*score.counts, *score.totals, score.sys_len, score.ref_len])
    return np.array(rows, dtype=np.float64)


def bleu(counts: Values) -> Values:
    """BLEU-1 to BLEU-4 from summed counts, without smoothing (Papineni et al. 2002).

    Args:
        counts: [10, ...] sums over pairs of :func:`bleu_counts`.

    Returns:
        [4, ...], each the geometric mean of the precisions up to its order times the brevity
        penalty; 0 where an order has no match.

    Raises:
        MetricError: A count that is NaN or infinite, which would pass for no match.

    >>> bleu(bleu_counts(["sinus rhythm normal"], ["sinus rhythm"]).sum(axis=0)).round(3).tolist()
    [0.607, 0.607, 0.0, 0.0]
    """
    counts = np.asarray(counts, dtype=np.float64)
    if not np.isfinite(counts).all():
        raise MetricError("the counts of BLEU are NaN or infinite")
    matches, totals = counts[:MAX_ORDER], counts[MAX_ORDER : 2 * MAX_ORDER]
    said, wanted = counts[-2], counts[-1]
    precision = np.divide(matches, totals, out=np.zeros_like(matches), where=totals > 0)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        orders = np.arange(1, MAX_ORDER + 1).reshape(-1, *[1] * (counts.ndim - 1))
        means = np.exp(np.cumsum(np.log(precision), axis=0) / orders)
        brevity = np.where(said > 0, np.exp(np.minimum(0.0, 1.0 - wanted / said)), 0.0)
    return np.asarray(means * brevity, dtype=np.float64)


class _Words:
    """The tokeniser in the form that rouge-score asks for."""

    def tokenize(self, text: str) -> list[str]:
        return words(text)
