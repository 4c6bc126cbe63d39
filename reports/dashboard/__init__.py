"""The live dashboard: events of a source in, bounded state, tables, figures, one page. Reads only.

`events` is the seam between the sources (`kafka_source`, `parquet_source`, `replay_source`) and the rest.
"""
