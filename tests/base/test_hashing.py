"""Addresses: equal for equal ingredients, another for any change that matters."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecgbench.base.hashing import code_hash, content_hash, file_sha256

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.text(), JSON, max_size=5))
def test_the_order_of_keys_does_not_matter(value: dict[str, object]) -> None:
    turned = dict(reversed(list(value.items())))
    assert content_hash(value) == content_hash(turned)


@given(JSON, JSON)
def test_different_values_have_different_hashes(first: object, second: object) -> None:
    import json

    if json.dumps(first, sort_keys=True) != json.dumps(second, sort_keys=True):
        assert content_hash(first) != content_hash(second)


def test_what_json_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        content_hash(float("nan"))


def test_code_is_hashed_without_comments_and_docstrings(tmp_path: Path) -> None:
    file = tmp_path / "model.py"

    def hash_of(text: str) -> str:
        file.write_text(text)
        return code_hash([tmp_path])

    plain = hash_of("def f(x):\n    return x + 1\n")
    assert hash_of('"""Doc."""\ndef f(x):  # why\n    """Doc."""\n\n    return (x + 1)\n') == plain
    assert hash_of("def f(x):\n    return x + 2\n") != plain


def test_a_shared_block_counts_where_it_is_imported(tmp_path: Path) -> None:
    from ecgbench.base import hashing

    file = tmp_path / "model.py"
    file.write_text("from ecgbench.nn.losses import masked_mse\n")
    with_block = code_hash([file])
    file.write_text("from ecgbench.nn_losses import masked_mse\n")
    assert code_hash([file]) != with_block
    blocks = {p.name for p in (hashing.ROOT / "nn").glob("*.py")}
    assert "losses.py" in blocks, "the folder of shared blocks moved: hashes would not see it"


def test_the_simulator_is_hashed_by_what_writes_records_not_by_what_studies_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    from ecgbench.base import hashing

    inside = ("simulated",)
    copy = tmp_path.joinpath(*inside)
    shutil.copytree(hashing.ROOT.joinpath(*inside), copy)
    monkeypatch.setattr(hashing, "ROOT", tmp_path)
    before = code_hash([copy / "corpus.py"])
    (copy / "plots.py").write_text("x = 1\n")
    assert code_hash([copy / "corpus.py"]) == before
    (copy / "chambers.py").write_text("x = 1\n")  # imported by way of morphology.py
    assert code_hash([copy / "corpus.py"]) != before


def test_a_changed_block_changes_the_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ecgbench.base import hashing

    monkeypatch.setattr(hashing, "ROOT", tmp_path)
    (tmp_path / "nn").mkdir()
    (tmp_path / "nn" / "a.py").write_text("from ecgbench.nn import b\n")
    (tmp_path / "nn" / "b.py").write_text("x = 1\n")
    (tmp_path / "nn" / "c.py").write_text("x = 1\n")
    model = tmp_path / "model.py"
    model.write_text("from ecgbench.nn.a import y\n")
    before = code_hash([model])
    (tmp_path / "nn" / "c.py").write_text("x = 2\n")  # imported by nobody
    assert code_hash([model]) == before
    (tmp_path / "nn" / "b.py").write_text("x = 2\n")  # imported by what the model imports
    assert code_hash([model]) != before


def test_file_sha256(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert file_sha256(tmp_path / "x") == known
