"""Two results side by side, with intervals and plain words: ``python -m bench.compare A B``."""
