"""A method in Python: from arrays of ECGs to features, also as a scikit-learn transformer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from ecgbench.base.errors import DataError, EcgbenchError
from ecgbench.data.leads import LEADS, lead_positions
from ecgbench.data.signals import adapt_record

if TYPE_CHECKING:
    from ecgbench.training.encode import Encoder

MissingLeads = Literal["error", "zero"]


class LoadedMethod:
    """A method with its weights, ready to encode.

    Args:
        encoder: The checkpoint with the recipe that made it.
    """

    def __init__(self, encoder: Encoder) -> None:
        from ecgbench.training.corpus import signal_spec

        self._encoder = encoder
        self._spec = signal_spec(encoder.recipe.config)

    def __repr__(self) -> str:
        recipe = self._encoder.recipe
        corpus = "+".join(dataset.spec.name for dataset in recipe.seen) if recipe.trains else ""
        return f"<{self.name}, {'pre-trained on ' + corpus if corpus else 'not pre-trained'}>"

    @property
    def name(self) -> str:
        """Registered name."""
        return self._encoder.recipe.info.name

    @property
    def leads(self) -> tuple[str, ...]:
        """Leads that the method reads, in its order."""
        return tuple(self._spec.leads)

    def encode(
        self,
        signals: ArrayLike,
        rate: float,
        leads: Sequence[str] = LEADS,
        missing_leads: MissingLeads = "error",
    ) -> NDArray[np.float32]:
        """Encode ECGs; the harness filters, resamples and scales them as for any task.

        Args:
            signals: ``[records, leads, samples]`` in mV.
            rate: Sampling rate in Hz.
            leads: Names of the leads, in the order of ``signals``.
            missing_leads: ``zero`` gives a lead that the method reads and ``leads`` lacks as zeros;
                ``error`` refuses the signals.

        Returns:
            Features ``[records, features]``.

        Raises:
            DataError: The shape does not fit, a value is not finite, or a lead is missing.
        """
        from ecgbench.training.encode import run_frozen

        values = np.asarray(signals, np.float32)
        if values.ndim != 3 or values.shape[1] != len(leads):
            raise DataError(
                f"The signals have the shape {values.shape}, not [records, {len(leads)} leads, samples].",
                "Name the leads of your signals: leads=[...].",
            )
        if not np.isfinite(values).all():
            raise DataError(
                "A signal holds NaN or infinity.", "Replace or drop such records first."
            )
        if not rate > 0:
            raise DataError(
                f"A sampling rate of {rate} Hz cannot be.", "Give rate in Hz, e.g. 500."
            )
        return run_frozen(
            self._encoder.method(),
            self._adapted(values, rate, tuple(leads), missing_leads),
            lambda method, ecg: method.encode_ecg(ecg),
            self._encoder.recipe.config,
            f"Encoding with {self.name}",
        )

    def _adapted(
        self,
        values: NDArray[np.float32],
        rate: float,
        leads: tuple[str, ...],
        missing: MissingLeads,
    ) -> NDArray[np.float16]:
        """``[records, leads of the method, samples of the method]``, as the harness stores them."""
        absent = [lead for lead in self.leads if lead not in leads] if missing == "zero" else []
        if absent:
            zeros = np.zeros((len(values), len(absent), values.shape[2]), np.float32)
            values, leads = np.concatenate([values, zeros], axis=1), (*leads, *absent)
        positions = lead_positions(self.leads, leads)
        made = np.empty((len(values), len(positions), self._spec.samples), np.float16)
        for place, record in enumerate(values):
            made[place] = adapt_record(record, rate, self._spec, positions)
        return made


def load_method(
    name: str,
    *,
    data: str = "sim",
    profile: str = "mini",
    seed: int = 0,
    overrides: Sequence[str] = (),
    pretrain: bool = False,
) -> LoadedMethod:
    """Load a method with the weights of a pre-training on this machine.

    Args:
        name: Registered name, e.g. ``clip`` (``ecgbench list methods``).
        data: Data set of the pre-training.
        profile: Profile of the pre-training: ``demo``, ``mini``, ``paper`` or a YAML file.
        seed: Random seed of the weights.
        overrides: ``key=value`` settings, as on the command line.
        pretrain: Train now where these weights are not on this machine (minutes to days).

    Raises:
        UnknownNameError: There is no such method or data set; names the nearest.
        EcgbenchError: The method was not pre-trained so on this machine, and ``pretrain`` is False.

    Example:
        >>> import ecgbench, numpy as np
        >>> method = ecgbench.load_method("random_init")  # doctest: +SKIP
        >>> method.encode(np.zeros((2, 12, 5000)), rate=500).shape  # doctest: +SKIP
        (2, 96)
    """
    from ecgbench.config.effective import effective
    from ecgbench.data.opening import open_dataset
    from ecgbench.plugins.catalogue import methods
    from ecgbench.training.encode import Encoder
    from ecgbench.training.pretrain import pretrain as train
    from ecgbench.training.recipe import Recipe, find

    info = methods.get(name)
    config = effective(info, profile, list(overrides))
    recipe = Recipe.of(info, config, open_dataset(data), seed, open_dataset)
    if recipe.trains and not pretrain and find(recipe) is None:
        raise EcgbenchError(
            f"{name} was not pre-trained on {data} in profile {profile} with seed {seed} "
            "on this machine.",
            "Pass pretrain=True to train it now.",
        )
    return LoadedMethod(Encoder(recipe, train(recipe)))


class ECGEncoder(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A frozen method as a scikit-learn transformer, for pipelines and cross-validation.

    Args:
        method: Registered name of the method.
        rate: Sampling rate of the signals in Hz.
        leads: Names of the leads, in the order of the signals; None: the twelve standard leads.
        missing_leads: As in :meth:`LoadedMethod.encode`.
        data: As in :func:`load_method`.
        profile: As in :func:`load_method`.
        seed: As in :func:`load_method`.
        overrides: As in :func:`load_method`.
        pretrain: As in :func:`load_method`.

    Attributes:
        method_: The loaded method, after ``fit``.
        n_features_in_: Leads times samples, after ``fit``.
    """

    def __init__(
        self,
        method: str = "random_init",
        *,
        rate: float = 500.0,
        leads: Sequence[str] | None = None,
        missing_leads: MissingLeads = "error",
        data: str = "sim",
        profile: str = "mini",
        seed: int = 0,
        overrides: Sequence[str] = (),
        pretrain: bool = False,
    ) -> None:
        self.method = method
        self.rate = rate
        self.leads = leads
        self.missing_leads = missing_leads
        self.data = data
        self.profile = profile
        self.seed = seed
        self.overrides = overrides
        self.pretrain = pretrain

    def fit(self, X: ArrayLike, y: object = None) -> ECGEncoder:
        """Load the method; the signals decide the expected shape and nothing else.

        Args:
            X: ``[records, leads, samples]``, or the same flattened to ``[records, leads * samples]``.
            y: Not used.
        """
        self._signals(X, reset=True)
        self.method_ = load_method(
            self.method,
            data=self.data,
            profile=self.profile,
            seed=self.seed,
            overrides=self.overrides,
            pretrain=self.pretrain,
        )
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:
        """Encode signals, of the shape that ``fit`` takes, to ``[records, features]``."""
        check_is_fitted(self)
        signals = self._signals(X, reset=False)
        return self.method_.encode(signals, self.rate, self._leads, self.missing_leads)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = []  # features are float32 whatever the signals are
        return tags

    @property
    def _leads(self) -> tuple[str, ...]:
        return LEADS if self.leads is None else tuple(self.leads)

    def _signals(self, X: ArrayLike, reset: bool) -> NDArray[np.float32]:
        """``[records, leads, samples]``, checked as scikit-learn checks a table."""
        given: Any = X
        if getattr(given, "ndim", 2) == 3:
            given = check_array(given, allow_nd=True, dtype=np.float32)
            given = given.reshape(len(given), -1)
        flat: Any = validate_data(self, given, reset=reset, dtype=np.float32)
        count = len(self._leads)
        if flat.shape[1] % count:
            raise ValueError(
                f"{flat.shape[1]} values a record do not divide into {count} leads: "
                "name the leads of the signals."
            )
        shaped: NDArray[np.float32] = flat.reshape(len(flat), count, -1)
        return shaped
