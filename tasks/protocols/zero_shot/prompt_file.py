"""Prompt files: phrases of reports for each class.

A file in ``prompts`` is for the data sets that it names, in one language. A protocol pins its files by the
hash of their content. A changed phrase therefore changes the protocol's fingerprint, and a table never mixes
figures of two wordings.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from ecgbench.base.errors import EcgbenchError, NotApplicableError, PluginError
from ecgbench.base.hashing import content_hash
from ecgbench.plugins.specs import ProtocolSpec, plain_validation_error, read_yaml

from .settings import ZeroShotSettings

Phrase = Annotated[str, StringConstraints(pattern=r"\w")]
Ensemble = Annotated[tuple[Phrase, ...], Field(min_length=1)]


class PromptFile(BaseModel):
    """The content of a prompt file.

    Attributes:
        version: Raised when a phrase changes.
        language: ISO 639-1 code.
        datasets: Data sets that the file is for.
        label_sets: By label set, the groups with its classes. The first group with a class wins, because one
            name may mean different things in two label sets.
        groups: Prompts by group and class.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int
    language: str = Field(pattern=r"^[a-z]{2}$")
    datasets: tuple[str, ...]
    label_sets: dict[str, tuple[str, ...]]
    groups: dict[str, dict[str, Ensemble]]

    def of(self, label_set: str, classes: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """The prompts of some classes of a label set, by class, in their order.

        Raises:
            EcgbenchError: The file lacks the label set, or one of its classes.
        """
        places = [self.groups[name] for name in self.label_sets.get(label_set, ())]
        found = {
            name: next((group[name] for group in places if name in group), None) for name in classes
        }
        if missing := [name for name, phrases in found.items() if phrases is None]:
            raise EcgbenchError(
                f"No {self.language} prompts for {', '.join(missing[:5])} of label set {label_set}.",
                "Write some into the data set's prompt file, and pin it anew.",
            )
        return {name: phrases for name, phrases in found.items() if phrases is not None}


def read_prompts(path: Path) -> tuple[PromptFile, str]:
    """Read a prompt file.

    Returns:
        The prompts, and the SHA-256 of their content, without layout and comments.

    Raises:
        PluginError: The file is missing or invalid. The message gives the reason.
    """
    content = read_yaml(path)
    try:
        prompts = PromptFile.model_validate(content)
    except ValidationError as error:
        raise PluginError(f"{path.name}: {plain_validation_error(error)}") from error
    unknown = {name for groups in prompts.label_sets.values() for name in groups} - set(
        prompts.groups
    )
    if unknown:
        raise PluginError(f"{path.name}: label_sets names no group {sorted(unknown)[0]!r}.")
    return prompts, content_hash(content)


def pinned_prompts(
    spec: ProtocolSpec, settings: ZeroShotSettings, dataset: str
) -> tuple[str, PromptFile]:
    """The prompt file of a data set, among the pinned files of a protocol.

    Args:
        spec: The protocol; the files are in ``prompts`` of its folder.
        settings: Hashes by file name, and the language.
        dataset: Name in the catalogue.

    Returns:
        The file's name without its ending, and its content.

    Raises:
        NotApplicableError: No pinned file serves the data set in this language.
        EcgbenchError: The content of the file differs from the pinned hash.
    """
    for name, pinned in settings.prompts.items():
        prompts, found = read_prompts(spec.folder / "prompts" / f"{name}.yaml")
        if dataset not in prompts.datasets or settings.language != prompts.language:
            continue
        if found != pinned:
            raise EcgbenchError(
                f"The prompts {name} are not those that {spec.name} version {spec.version} pins.",
                f"Restore the file, or raise both versions and pin {found}.",
            )
        return name, prompts
    raise NotApplicableError(
        f"{spec.name} has no prompts in language {settings.language!r} for {dataset}.",
        "Add a prompt file that names the data set, and pin it in the protocol (docs/zero-shot.md).",
    )
