"""The result file's JSON schema, as committed beside this file."""

from __future__ import annotations

import json
from pathlib import Path

from bench.records import SCHEMA_VERSION, Result


def schema_path() -> Path:
    """The committed schema of the present version."""
    return Path(__file__).with_name(f"result-{SCHEMA_VERSION}.json")


def generate() -> str:
    """The schema's text, from the types in `bench.records`; ``python -m bench.schema`` writes it."""
    schema = Result.model_json_schema(mode="serialization")
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
