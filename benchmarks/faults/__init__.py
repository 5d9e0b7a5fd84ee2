"""Fault tests in numbers: see ``python -m benchmarks.faults --help``."""
