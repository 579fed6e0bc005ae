from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from leaderboard.made_up import put, record, split

from ecgbench.base.errors import ResultError
from ecgbench.results.replicates import pack, unpack
from ecgbench.results.schema import SCHEMA_VERSION, Result
from ecgbench.results.store import parse_result, path_of, read_result, read_results, safe_name


def test_a_result_survives_writing_and_reading(tmp_path: Path) -> None:
    path = put(tmp_path, split())
    result = read_result(path)
    assert path == path_of(tmp_path, result)
    assert [(path, result)] == list(read_results(tmp_path))
    assert result.schema_version == SCHEMA_VERSION
    assert path.read_text() == result.model_dump_json(indent=1) + "\n"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"status": "ok", "reason": None}, "has scores"),
        ({"reason": None}, "has a reason"),
        ({"verification": "verified"}, "by whom"),
        ({"seed": -1}, "seed"),
        ({"seed": float("nan")}, "seed"),
        ({"method.parameters": float("inf")}, "parameters"),
        ({"code.predictions": "abc"}, "code.predictions"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_what_breaks_the_schema_is_named(changes: dict[str, object], message: str) -> None:
    content = json.dumps({"schema_version": SCHEMA_VERSION, **record(**changes)})
    with pytest.raises(ResultError, match=message):
        parse_result(content.encode())


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"\xff", b"{", b"null", b'{"schema_version": true}', b"[" * 100_000]
)
def test_what_is_no_result_is_refused(content: bytes) -> None:
    with pytest.raises(ResultError, match="no result"):
        parse_result(content)


def test_a_future_schema_is_refused_by_its_version() -> None:
    content = json.dumps({"schema_version": SCHEMA_VERSION + 1, **record()}).encode()
    with pytest.raises(ResultError, match=f"schema version {SCHEMA_VERSION + 1}"):
        parse_result(content)


@pytest.mark.parametrize("file", ["../x.npz", "a/b.npz", "/etc/passwd", ".hidden", "", "a\\b"])
def test_a_predictions_file_stays_in_its_folder(file: str) -> None:
    part = {"file": file, "sha256": "0" * 64, "kind": "scores"}
    with pytest.raises(ValueError, match="file"):
        Result.model_validate(record(predictions=part))


def test_hostile_names_become_one_component_of_a_path() -> None:
    hostile = ["../../etc", "a/b", "a b", "a-b", "..", "", "x" * 500, "NUL\0", "\u202e", "-rf"]
    safe = [safe_name(name) for name in hostile]
    assert len(set(safe)) == len(hostile)
    for name in safe:
        assert name not in ("", ".", "..")
        assert "/" not in name
        assert not name.startswith((".", "-")) or "~" in name
        assert len(name) <= 200
    assert safe_name("linear-probe@1%") == "linear-probe@1%"


@given(
    arrays.arrays(
        np.float64,
        st.integers(1, 50),
        elements=st.one_of(st.just(np.nan), st.floats(-1e3, 1e3)),
    )
)
def test_replicates_keep_their_values_and_their_order(values: np.ndarray) -> None:
    back = unpack(pack(values))
    assert np.array_equal(np.isnan(back), np.isnan(values))
    defined = ~np.isnan(values)
    if defined.any():
        span = np.ptp(values[defined])
        assert np.abs(back - values)[defined].max() <= span / 65534 + 1e-9
        assert (np.diff(back[defined][np.argsort(values[defined], kind="stable")]) >= 0).all()


def test_replicates_that_are_no_base64_are_refused() -> None:
    packed = pack([0.5, 0.6])
    with pytest.raises(ResultError, match="Replicates"):
        unpack(packed.model_copy(update={"levels": "AAA"}))
