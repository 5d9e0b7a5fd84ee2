"""Pictures of the notebook displays for the docs: ``python -m benchmarks.report.screenshots`` (needs chromium)."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import tracktion as tk
from tracktion.display import Batch, analysis_html

ROOT = Path(__file__).parents[2]
_FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-component-update"),
    *("--disable-background-networking", "--disable-sync", "--hide-scrollbars", "--force-device-scale-factor=1"),
]
_PAGE = """<!doctype html><meta charset="utf-8">
<body data-jp-theme-light="{light}" style="background:{ground};margin:12px;width:800px">{body}</body>"""


def shoot(html: str, path: Path, *, dark: bool, height: int) -> None:
    """A picture of some HTML in the light or the dark theme of JupyterLab."""
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("this needs chromium: apt-get install chromium")
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        page.write_text(
            _PAGE.format(light=str(not dark).lower(), ground="#111" if dark else "#fff", body=html), encoding="utf-8"
        )
        command = [chromium, *_FLAGS, f"--user-data-dir={folder}/profile", f"--window-size=824,{height}"]
        subprocess.run([*command, f"--screenshot={path}", page.as_uri()], check=True, capture_output=True, timeout=120)


def match_html() -> str:
    """A search in a catalogue of a few tracks."""
    tracks = [
        {"title": "Do I Wanna Know?", "artist": "Arctic Monkeys", "album": "AM", "duration": 272},
        {"title": "Do I Wanna Know? - Live", "artist": "Arctic Monkeys", "album": "Live at the Royal Albert Hall"},
        {"title": "Do I Wanna Know?", "artist": "Dua Lipa"},
        {"title": "Why'd You Only Call Me When You're High?", "artist": "Arctic Monkeys", "album": "AM"},
    ]
    with tk.open_storage("memory:") as storage:
        storage.add_tracks(tracks)
        return tk.Matcher(storage).search("arctic mnkeys do i wana know")[0]._repr_html_()


def status_html(song: Path) -> str:
    """A folder with one piece of music and one file that is none."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(song, folder)
        (Path(folder) / "broken.mp3").write_bytes(bytes(4096))
        with (
            tk.open_storage("memory:") as storage,
            tk.Watcher(folder, storage=storage, analyzer=tk.Analyzer()) as watcher,
        ):
            watcher.scan_once()
            return watcher.status()._repr_html_().replace(folder, "/home/dj/music")


def main() -> int:
    """Shoot all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "assets")
    options = parser.parse_args()
    song = ROOT / "examples" / "song.ogg"
    analyzer = tk.Analyzer()
    analysis = analyzer.analyze(song)
    batch = Batch(analyzer.analyze_many([song, ROOT / "LICENSE"]))
    match, status = match_html(), status_html(song)
    for dark in (False, True):
        theme = "dark" if dark else "light"
        shoot(analysis_html(analysis), options.output / f"analysis-{theme}.png", dark=dark, height=680)
        shoot(batch._repr_html_(), options.output / f"batch-{theme}.png", dark=dark, height=220)
        shoot(match, options.output / f"match-{theme}.png", dark=dark, height=386)
        shoot(status, options.output / f"status-{theme}.png", dark=dark, height=300)
    return 0


if __name__ == "__main__":
    sys.exit(main())
