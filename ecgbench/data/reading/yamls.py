"""Strict reading of YAML files: no duplicate keys, no codes converted to numbers."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from ecgbench.base.errors import ConfigError


class _OnceEach:
    """Refuses duplicate keys of a mapping, because YAML silently takes the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value != "<<":
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"the key {key.value!r} stands twice", key.start_mark
                    )
                seen.add(key.value)
        return super().construct_mapping(node, deep=deep)  # type: ignore[misc, no-any-return]


class _Typed(_OnceEach, yaml.SafeLoader):
    pass


class _Words(_OnceEach, yaml.BaseLoader):
    pass


def read_yaml(file: Path, *, words: bool = False) -> Any:
    """Read a YAML file.

    Args:
        file: The file.
        words: Keep every scalar as the text that is written. YAML reads ``NO`` as false and ``010``
            as eight, which are names of classes and codes.

    Raises:
        ConfigError: Not there, no YAML, or a key twice; one line.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
        return yaml.load(text, Loader=_Words if words else _Typed)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f", line {mark.line + 1}" if mark else ""
        raise ConfigError(f"Cannot read {file}{where}: {error.problem}.") from error
    except (OSError, ValueError, TypeError, RecursionError, yaml.YAMLError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise ConfigError(f"Cannot read {file}: {reason}.") from error
