"""Speed, accuracy and reliability, measured; each runs as ``python -m benchmarks.NAME``."""
