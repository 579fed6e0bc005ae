"""Files of every schema version can be read, now and later."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ecgbench.leaderboard.questions import questions
from ecgbench.leaderboard.tables import table_of
from ecgbench.results.migrations import STEPS
from ecgbench.results.schema import SCHEMA_VERSION, Result, json_schema
from ecgbench.results.store import read_result

FIXTURES = Path(__file__).parent / "fixtures"
FILES = sorted(FIXTURES.glob("*.json"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_old_file_is_read_as_a_result_of_today(path: Path) -> None:
    result = read_result(path)
    said = json.loads(path.read_text())
    assert result.schema_version == SCHEMA_VERSION
    assert result.method.name == said["method"]["name"]
    assert result.status == said["status"]
    if said["scores"]:
        assert result.scores is not None
        for name, figure in said["scores"]["figures"].items():
            assert result.scores.figures[name].value == figure["value"]
    again = Result.model_validate_json(result.model_dump_json())
    assert again == result
    assert table_of(questions([result])[0]).rows


def test_each_version_has_a_file_and_a_step_to_the_next() -> None:
    versions = {json.loads(path.read_text())["schema_version"] for path in FILES}
    assert versions == set(range(1, SCHEMA_VERSION + 1))
    assert set(STEPS) == set(range(1, SCHEMA_VERSION))


def test_version_1_could_not_say_who_verified() -> None:
    assert read_result(FIXTURES / "result-1-ok.json").verification == "self-reported"
    assert read_result(FIXTURES / "result-2-ok.json").verification == "verified"


def test_the_published_schema_is_that_of_the_model(project_root: Path) -> None:
    published = project_root / f"docs/schema/result-{SCHEMA_VERSION}.json"
    text = json.dumps(json_schema(), indent=1, sort_keys=True) + "\n"
    assert published.read_text() == text, f"write json_schema() to {published}"


def test_the_published_schemas_accept_their_files(project_root: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    for path in FILES:
        said = json.loads(path.read_text())
        schema = project_root / f"docs/schema/result-{said['schema_version']}.json"
        known = json.loads(schema.read_text())
        jsonschema.validate(said, known)
        with pytest.raises(jsonschema.ValidationError, match="seed"):
            jsonschema.validate({k: v for k, v in said.items() if k != "seed"}, known)
