"""Side-by-side benchmarks of this project's own parts against Kafka's tools, in one run, as ratios."""
