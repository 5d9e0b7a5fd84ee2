"""Check that a wheel holds all that users need and nothing else: ``check_wheel.py WHEEL SOURCE_FOLDER``."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path


def problems(wheel: Path, source: Path) -> list[str]:
    """What is missing from the wheel or does not belong there."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    found = []
    for path in sorted(source.rglob("*")):
        name = f"tracktion/{path.relative_to(source).as_posix()}"
        shipped = path.suffix in {".py", ".pyi", ".npz", ".npy", ".json"} or path.name == "py.typed"
        if shipped and name not in names:
            found.append(f"missing: {name}")
        if path.suffix == ".pyx":
            stem = name.removesuffix(".pyx")
            if not any(n.startswith(f"{stem}.") and n.endswith((".so", ".pyd")) for n in names):
                found.append(f"not compiled: {name}")
            if f"{stem}.pyi" not in names:
                found.append(f"no stub: {name}")
    strange = [n for n in sorted(names) if not n.startswith(("tracktion/", "tracktion-")) or n.endswith((".c", ".pyc"))]
    found += [f"does not belong here: {name}" for name in strange]
    if not any(name.endswith("licenses/LICENSE") for name in names):
        found.append("missing: LICENSE")
    return found


def main() -> int:
    """Print the problems and return how many there are."""
    wheel, source = Path(sys.argv[1]), Path(sys.argv[2])
    found = problems(wheel, source)
    sys.stdout.write(
        "\n".join(found) + "\n" if found else f"{wheel.name}: complete, {wheel.stat().st_size / 1e6:.1f} MB\n"
    )
    return min(len(found), 1)


if __name__ == "__main__":
    sys.exit(main())
