"""Options that several commands have, so that each means and says the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def _add(folders: list[Path] | None) -> list[Path] | None:
    if folders:
        from ecgbench.plugins.catalogue import methods

        for folder in folders:
            methods.add_path(folder)
    return folders


def names_in(text: str, option: str) -> list[str]:
    """The names in a list with commas.

    Args:
        text: As typed.
        option: Its option, for the message.

    Raises:
        ConfigError: A name is empty, as after a trailing comma.
    """
    from ecgbench.base.errors import ConfigError

    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise ConfigError(f"{option} {text!r} holds an empty name.", "Separate names by one comma.")
    return names


Overrides = Annotated[list[str] | None, typer.Argument(help="key=value, e.g. pretrain.steps=500.")]
Tasks = Annotated[
    str, typer.Option(help="TASK, PROTOCOL or TASK/PROTOCOL@VARIANT, by commas; patterns work.")
]
Seeds = Annotated[int, typer.Option(min=1, help="How many seeds.")]
Profile = Annotated[str, typer.Option(help="demo, mini, paper, or a YAML file.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the plan and stop.")]
MethodsPath = Annotated[
    list[Path] | None, typer.Option(help="Folder with methods of your own.", callback=_add)
]
"""Registers the folders by itself, before the command runs."""
