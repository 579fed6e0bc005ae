"""Types, defaults, ranges and rules of settings: one class per section.

::

    class Mask(Settings):
        leads: Annotated[float, Field(ge=0, le=0.9)] = 0.0
        patches: Share = 0.75

        @model_validator(mode="after")
        def _hides_something(self) -> Self:
            if not self.leads and not self.patches:
                raise ValueError("patches cannot be 0: it takes more where no lead is hidden")
            return self

A rule that compares settings raises ``ValueError``. Its text begins with the name of a setting; the
dotted path of the section is put in front of it. Nothing here imports torch.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model, model_validator

from ecgbench.base.errors import did_you_mean

Count = Annotated[int, Field(ge=1, le=10**9)]
CountOrZero = Annotated[int, Field(ge=0, le=10**9)]
Share = Annotated[float, Field(ge=0, le=1)]
PartialShare = Annotated[float, Field(gt=0, lt=1)]
Weight = Annotated[float, Field(ge=0, le=1e6)]
"""Weight of a loss term or of a penalty."""


class Settings(BaseModel):
    """A section of a configuration. Subclasses declare the settings. Instances are immutable.

    Types are strict: a boolean is not a number, 1.5 is not a whole number, and NaN is invalid. A whole
    number is valid for a real number. Lists become tuples.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, protected_namespaces=()
    )

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, given: Any) -> Any:
        """Lists as tuples; what a section leaves out as the default of the field has it."""
        if not isinstance(given, Mapping):
            return given
        values = _tuples(given)
        for name, field in cls.model_fields.items():
            if isinstance(field.default, Settings) and isinstance(values.get(name), Mapping):
                values[name] = _filled_up(field.default, values[name])
        return values

    @classmethod
    def names(cls) -> list[str]:
        """The dotted names of all settings, those of inner sections too."""
        found: list[str] = []
        for name, field in cls.model_fields.items():
            inner = field.annotation
            if isinstance(inner, type) and issubclass(inner, Settings):
                found += [f"{name}.{one}" for one in inner.names()]
            else:
                found.append(name)
        return found

    def unread(self) -> list[str]:
        """Settings and inner sections that nothing reads at the present values of the others."""
        return [
            f"{name}.{one}"
            for name in type(self).model_fields
            if isinstance(inner := getattr(self, name), Settings)
            for one in inner.unread()
        ]

    def fit_signal(self, rate: float, seconds: float) -> None:
        """Check the settings against the shape of a signal. The default checks the inner sections.

        Args:
            rate: Samples per second.
            seconds: Length of a record.

        Raises:
            ValueError: The settings do not fit. The text begins with the name of a setting.
        """
        for name in type(self).model_fields:
            inner = getattr(self, name)
            if isinstance(inner, Settings):
                try:
                    inner.fit_signal(rate, seconds)
                except ValueError as error:
                    raise ValueError(f"{name}.{error}") from error

    def replaced(self, changes: Mapping[str, Any]) -> Any:
        """The same settings with some values changed, by dotted name."""
        values = self.model_dump()
        for name, value in changes.items():
            *sections, last = name.split(".")
            inner = values
            for section in sections:
                inner = inner[section]
            inner[last] = value
        return type(self).model_validate(values)


def as_dict(settings: Settings) -> dict[str, Any]:
    """Settings as JSON-like data."""
    return settings.model_dump(mode="json")


def inferred(values: Mapping[str, Any]) -> type[Settings]:
    """A settings class for values without a declared class: each setting keeps the type of its value.

    Args:
        values: Default values by name. A setting with the default null takes any value.

    Raises:
        ValueError: A name is not valid for an attribute.
    """
    fields: dict[str, Any] = {}
    for name, value in values.items():
        if not str(name).isidentifier() or str(name).startswith("_"):
            raise ValueError(f"{name!r} cannot be the name of a setting")
        if isinstance(value, Mapping):
            kind: Any = inferred(value)
            fields[name] = (kind, kind())
        elif isinstance(value, list | tuple):
            fields[name] = (tuple[Any, ...], tuple(value))
        else:
            fields[name] = (Any if value is None else type(value), value)
    return create_model("InferredSettings", __base__=Settings, **fields)


def first_problem(error: ValidationError, kind: type[Settings]) -> tuple[str, str, str | None]:
    """Describe the first invalid value for a user.

    Args:
        error: What pydantic raised.
        kind: The class that was validated.

    Returns:
        The dotted name of the setting, a sentence about it, and a hint.
    """
    found = error.errors(include_url=False)
    # An unknown name comes first: a misspelt name also leaves the right one without a value.
    item = next((one for one in found if one["type"] == "extra_forbidden"), found[0])
    known = kind.names()
    name = _name_of(item["loc"], kind)
    if item["type"] == "extra_forbidden":
        name = ".".join(filter(None, (name, str(item["loc"][-1]))))
        return name, f"Unknown key {name!r}", did_you_mean(name, known)
    if item["type"] == "missing" and not isinstance(item["loc"][-1], int):
        return name, f"{name} has no value", None
    if item["type"] == "value_error":
        said = str(item["ctx"]["error"])
        return name, f"{name}.{said}" if name else said, None
    given = item["input"]
    hint = None
    if item["type"] == "literal_error":
        words = re.findall(r"'([^']*)'", item["ctx"]["expected"])
        hint = did_you_mean(str(given), words)
    return name, f"{name} cannot be {_shown(given)}: it takes {_taken(item)}", hint


def problem_in_one_line(error: ValidationError, kind: type[Settings]) -> str:
    """The first problem and its hint as one sentence."""
    _, said, hint = first_problem(error, kind)
    return f"{said}. {hint}" if hint else said


def _filled_up(default: Settings, given: Mapping[str, Any]) -> dict[str, Any]:
    values = {name: getattr(default, name) for name in type(default).model_fields}
    for name, value in given.items():
        inner = values.get(name)
        if isinstance(inner, Settings) and isinstance(value, Mapping):
            value = _filled_up(inner, value)
        values[name] = value
    return values


_KINDS = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "string_type": "a word",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "finite_number": "a finite number",
    "missing": "a list of more values",
    "too_long": "a list of fewer values",
    "too_short": "a list of more values",
}
_BOUNDS = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
}


def _name_of(location: Sequence[int | str], kind: type[Settings]) -> str:
    """The dotted name of a setting, without elements of lists and branches of unions."""
    path, kinds = [], [kind]
    for part in location:
        fields = [one.model_fields[part] for one in kinds if part in one.model_fields]
        if fields:
            path.append(str(part))
            branches = [
                b for field in fields for b in (field.annotation, *get_args(field.annotation))
            ]
            kinds = [b for b in branches if isinstance(b, type) and issubclass(b, Settings)]
    return ".".join(path)


def _taken(item: Any) -> str:
    kind = item["type"]
    if kind in _KINDS:
        return _KINDS[kind]
    if kind in _BOUNDS:
        words, bound = _BOUNDS[kind]
        return f"{words} {item['ctx'][bound]:g}"
    if kind == "literal_error":
        return str(item["ctx"]["expected"])
    return str(item["msg"]).splitlines()[0].lower()


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        value = list(value)
    text = f"{value:g}" if isinstance(value, float) else repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _tuples(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _tuples(inner) for key, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return tuple(_tuples(inner) for inner in value)
    return value
