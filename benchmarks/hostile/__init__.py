"""Hostile files: what they do to us and to the peers; see `benchmarks.hostile.__main__`."""
