"""Readings into alerts: one Spark query, Kafka to Kafka, and the reference that says what it must yield."""
