"""The result file keeps its schema."""

from __future__ import annotations

import json

import jsonschema
import pytest
from unit.bench.builders import a_result

from bench.records import Result
from bench.schema import generate, schema_path
from bench.store import dump


def test_the_committed_schema_is_the_types():
    """bench/schema/result-1.json is what `python -m bench.schema` writes."""
    assert schema_path().read_text() == generate()


def test_a_result_fits_its_schema_and_comes_back():
    """What is written validates, and reads back as the same value."""
    written = dump(a_result())
    jsonschema.validate(json.loads(written), json.loads(schema_path().read_text()))
    assert Result.model_validate_json(written) == a_result()


def test_unknown_keys_are_errors():
    """A result of another version is refused, not half understood."""
    value = json.loads(dump(a_result()))
    value["surprise"] = 1
    with pytest.raises(ValueError, match="surprise"):
        Result.model_validate(value)
