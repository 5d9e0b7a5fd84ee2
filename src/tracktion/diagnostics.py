"""What is installed here: for bug reports."""

from __future__ import annotations

import importlib
import importlib.metadata
import platform
import sys

__all__ = ["show_versions"]

PACKAGES = (
    "numpy", "scipy", "soundfile", "av", "soxr", "cachetools", "sqlalchemy", "alembic", "rapidfuzz", "mutagen",
    "psutil", "watchdog", "tqdm", "anyascii", "psycopg", "redis", "aio-pika", "distributed", "matplotlib", "pandas",
    "fsspec", "essentia",
)  # fmt: skip


def show_versions() -> str:
    """Return the versions of tracktion, Python, the platform and every dependency that is installed, a line each."""
    from tracktion._core._select import COMPILED
    from tracktion.version import ALGORITHM, __version__

    lines = [
        f"tracktion {__version__} (algorithm {ALGORITHM}, kernels: {'compiled' if COMPILED else 'NumPy'})",
        f"Python {sys.version.split()[0]} on {platform.platform()} ({platform.machine()})",
    ]
    for package in PACKAGES:
        try:
            lines.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            lines.append(f"{package}: not installed")
    return "\n".join(lines)
