"""Versions of the library and of its algorithms."""

__all__ = ["ALGORITHM", "__version__"]

__version__ = "0.1.0"

ALGORITHM = "4"
"""Version of the estimators; stored analyses of another version are made again."""
