"""The example service under load: see ``python -m benchmarks.load --help``."""
