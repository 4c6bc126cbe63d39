"""``python -m bench.schema``: write the schema anew after a change of `bench.records`."""

from __future__ import annotations

from bench.schema import generate, schema_path

if __name__ == "__main__":
    schema_path().write_text(generate())
    print(schema_path())
