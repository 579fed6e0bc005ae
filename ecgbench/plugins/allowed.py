"""What a method's settings may be: the section ``allowed`` of its ``config.yaml``.

::

    allowed:
      model.feature: [pooled, shared, both]  # one of these
      model.dropout: {min: 0, max: 0.9}  # both ends are allowed
      model.mask.patches: [0, {min: model.mask.leads + 0.2, max: 0.9}]  # 0, or in this range
      model.mask.leads + model.mask.patches: {min: 0.1}  # a sum of settings
      shared: [vit, text]  # with what nn/allowed.yaml says of these blocks; the method's own lines win

A range holds for every number of a list. What is null is not held against it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, TypeAdapter

from ecgbench.base.errors import ConfigError, did_you_mean

BLOCKS = Path(__file__).parent.parent / "nn" / "allowed.yaml"
ROUNDING = 1e-9  # 0.1 + 0.2 is 0.3


class Range(BaseModel):
    """Numbers from one bound to the other; a bound is a number or a sum that may name settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min: float | str | None = None
    max: float | str | None = None


Options = Annotated[
    tuple[Range | bool | int | float | str, ...],
    BeforeValidator(lambda given: given if isinstance(given, list | tuple) else [given]),
]
"""Values and ranges, any of which will do."""


def flat(layer: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Dotted keys and values of a layer of a configuration; an empty mapping sets nothing."""
    items: list[tuple[str, Any]] = []
    for key, value in layer.items():
        path = f"{prefix}{key}"
        items += flat(value, f"{path}.") if isinstance(value, Mapping) else [(path, value)]
    return items


def with_blocks(given: Mapping[str, Any], settings: Sequence[str]) -> dict[str, Any]:
    """A section with the lines of the blocks that it names under ``shared``.

    Args:
        given: The section as a method writes it.
        settings: Dotted keys that the method has; what a block says of others is left out.

    Raises:
        ValueError: There is no such block.
    """
    lines: dict[str, Any] = {}
    for block in given.get("shared", []):
        if block not in _blocks():
            hint = did_you_mean(str(block), _blocks())
            raise ValueError(f"allowed shares {block!r}, and there is no such block. {hint}")
        lines |= {
            key: options
            for key, options in _blocks()[block].items()
            if set(names({key: options})) <= set(settings)
        }
    return lines | {key: options for key, options in given.items() if key != "shared"}


@functools.cache
def _blocks() -> dict[str, dict[str, Options]]:
    content = yaml.safe_load(BLOCKS.read_text(encoding="utf-8"))
    return TypeAdapter(dict[str, dict[str, Options]]).validate_python(content)


def names(allowed: Mapping[str, Options]) -> list[str]:
    """The settings that a section names, in keys and in bounds."""
    sums = [*allowed]
    for options in allowed.values():
        for option in options:
            if isinstance(option, Range):
                sums += [bound for bound in (option.min, option.max) if isinstance(bound, str)]
    return [term for one in sums for term in _terms(one) if _number(term) is None]


def check(allowed: Mapping[str, Options], values: Mapping[str, Any]) -> None:
    """See that settings are what their method allows.

    Args:
        allowed: Dotted key, or a sum of them, to what it may be.
        values: Every setting that is named, by dotted key.

    Raises:
        ConfigError: One is not; names it, its value, what is allowed, and the nearest of its choices.
    """
    for key, options in allowed.items():
        found = _value(key, values)
        for value in found if isinstance(found, list) else [found]:
            if value is not None and not any(_fits(value, option, values) for option in options):
                words = [option for option in options if isinstance(option, str)]
                raise ConfigError(
                    f"{key} cannot be {_shown(value)}: it takes {_said(options, values)}.",
                    did_you_mean(str(value), words) if words else None,
                )


def _fits(value: Any, option: Any, values: Mapping[str, Any]) -> bool:
    if not isinstance(option, Range):
        return bool(value == option)
    if not isinstance(value, int | float):
        return False
    low = float("-inf") if option.min is None else _value(option.min, values) - ROUNDING
    high = float("inf") if option.max is None else _value(option.max, values) + ROUNDING
    return bool(low <= value <= high)


def _value(total: float | str, values: Mapping[str, Any]) -> Any:
    """A number, a setting, or a sum of them."""
    if not isinstance(total, str):
        return total
    found = [values[t] if _number(t) is None else _number(t) for t in _terms(total)]
    return found[0] if len(found) == 1 else sum(found)


def _terms(total: str) -> list[str]:
    return [term.strip() for term in total.split("+")]


def _number(term: str) -> float | None:
    try:
        return float(term)
    except ValueError:
        return None


def _said(options: Iterable[Any], values: Mapping[str, Any]) -> str:
    parts = [_span(o, values) if isinstance(o, Range) else _shown(o) for o in options]
    return " or ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))


def _span(span: Range, values: Mapping[str, Any]) -> str:
    low, high = (None if b is None else _bound(b, values) for b in (span.min, span.max))
    if low is None or high is None:
        return f"at most {high}" if low is None else f"at least {low}"
    return f"{low} to {high}"


def _bound(bound: float | str, values: Mapping[str, Any]) -> str:
    value = _shown(_value(bound, values))
    return f"{bound} ({value})" if isinstance(bound, str) else value


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else repr(value)
