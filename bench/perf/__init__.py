"""Benchmarks of this project's own parts: side by side with Kafka's tools, as ratios; and for hours, as slopes."""
