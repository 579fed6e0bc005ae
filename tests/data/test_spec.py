from __future__ import annotations

import subprocess
import sys

import pytest

from ecgbench.base.errors import ConfigError, UnknownNameError
from ecgbench.data.spec import Splits, datasets, load_spec

from .conftest import TOY


def test_every_built_in_entry_is_usable_and_says_where_it_is_from() -> None:
    entries = datasets.entries()
    assert {"ptbxl", "ptbxl-mini", "sim", "sim-20k"} <= set(entries)
    for name, entry in entries.items():
        assert entry.problem is None, (name, entry.problem)
        assert entry.value is not None
        assert entry.value.licence
        assert entry.value.citation


def test_simulated_sets_share_neither_ids_nor_seeds() -> None:
    small, large = datasets.get("sim"), datasets.get("sim-20k")
    assert small.simulated
    assert large.simulated
    assert small.family != large.family
    assert small.generator is not None
    assert large.generator is not None
    assert small.generator.seed != large.generator.seed


def test_mini_is_known_to_be_ptbxl() -> None:
    assert datasets.get("ptbxl-mini").family == "ptbxl"


def test_an_unknown_name_says_the_nearest() -> None:
    with pytest.raises(UnknownNameError) as caught:
        datasets.get("ptbxl-mimi")
    assert "ptbxl-mini" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (("rate: 100", "rate: fast"), "rate"),
        (("rate: 100", "raet: 100"), "rate"),
        (("layout: ptbxl", "layuot: ptbxl"), "layout"),
        (("name: toy", "name: Toy Set"), "name"),
    ],
)
def test_a_wrong_key_or_value_is_named(tmp_path, change, named) -> None:
    file = tmp_path / "toy.yaml"
    file.write_text(TOY.replace(*change))
    with pytest.raises(ConfigError, match=named):
        load_spec(file)


def test_a_broken_entry_is_listed_and_spoils_nothing(add_spec) -> None:
    add_spec()
    with pytest.raises(Exception, match="cannot be used"):
        add_spec("name: broken\nrate: 1\n")
    assert datasets.entry("broken").problem
    assert datasets.get("toy").title.startswith("A small")


def test_a_fold_stands_in_one_split() -> None:
    with pytest.raises(ValueError, match="two splits"):
        Splits(by="x", train=(1, 2), val=(2,), test=(3,))
    assert Splits(by="x", train=(1,), val=(2,), test=(3,)).of_fold(4) is None


def test_words_for_readers_are_not_identity(add_spec) -> None:
    first = add_spec().identity()
    assert add_spec(TOY.replace("A small", "Another")).identity() == first
    assert add_spec(TOY.replace("rate: 100", "rate: 50")).identity() != first


def test_listing_imports_nothing_heavy() -> None:
    program = (
        "import sys, ecgbench.cli.data; from ecgbench.data.spec import datasets; datasets.names();"
        "heavy = {'torch', 'pandas', 'wfdb', 'scipy', 'sklearn'} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
