"""MkDocs hooks: folder entries in the navigation; reference, notebooks and change log as pages made at build time."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

DOCS = Path(__file__).parent
ROOT = DOCS.parent
REFERENCE: dict[str, tuple[str, list[str]]] = {
    "analyzer": ("Analyzer", ["analyzer", "stream", "display.batch", "diagnostics"]),
    "results": (
        "Results",
        [
            f"results.{name}"
            for name in ("analysis", "rhythm", "key", "mood", "loudness", "structure", "tags", "change")
        ],
    ),
    "matcher": ("Matcher", ["matcher", "results.match", "matching.text", "matching.folding"]),
    "watcher": ("Watcher", ["watcher", "watching.filters", "publish.message", "publish.rabbitmq", "publish.consumer"]),
    "storage": (
        "Storage",
        ["storage", "storage.protocol", "storage.memory", "storage.sqlite", "storage.postgresql", "results.catalogue"],
    ),
    "cache": (
        "Cache",
        ["cache.protocol", "cache.lru", "cache.remote", "cache.tiered", "cache.decorator", "cache.keys"],
    ),
    "audio": (
        "Audio and tags",
        ["audio.stream", "audio.limits", "audio.identity", "audio.tags", "audio.tagwrite", "remote"],
    ),
    "features": (
        "Features and estimators",
        ["features.stream", "features.tap", "estimators.rhythm", "estimators.tonal", "estimators.mood"],
    ),
    "batch": ("Batches", ["batch.run", "batch.isolated", "batch.limits", "batch.task"]),
    "monitor": ("Monitors", ["monitor.performance", "monitor.memory"]),
    "export": (
        "Exports",
        [
            "export.model",
            "export.rekordbox",
            "export.traktor",
            "export.offsets",
            "export.playlist",
            "export.tables",
        ],
    ),
    "plot": ("Plots and displays", ["plot", "display.analysis", "display.tables"]),
    "testing": ("For tests of your own", ["testing"]),
    "errors": ("Errors", ["errors"]),
}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Replace each ``folder/*`` by the pages of that folder that the navigation does not name."""
    named = set(_named(config.nav))

    def expand(entries: list[Any]) -> list[Any]:
        out: list[Any] = []
        for entry in entries:
            if isinstance(entry, str) and entry.endswith("/*"):
                written = [path.relative_to(DOCS).as_posix() for path in sorted((DOCS / entry[:-2]).glob("*.md"))]
                made = [uri for uri in generated() if uri.startswith(entry[:-1])]
                out += [uri for uri in written + made if uri not in named]
            elif isinstance(entry, dict):
                out.append({title: expand(v) if isinstance(v, list) else v for title, v in entry.items()})
            else:
                out.append(entry)
        return out

    config.nav = expand(config.nav or [])
    return config


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the pages that are made here."""
    for uri, text in generated().items():
        files.append(File.generated(config, uri, content=text))
    return files


def _named(entries: Any) -> list[str]:
    if isinstance(entries, str):
        return [entries]
    if isinstance(entries, dict):
        return [name for value in entries.values() for name in _named(value)]
    return [name for entry in entries or [] for name in _named(entry)]


@cache
def generated() -> dict[str, str]:
    """Pages made from other files: address to Markdown."""
    pages = {"changelog.md": (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")}
    for page, (title, modules) in REFERENCE.items():
        names = [name for name in modules if _documented(name)]
        if names:
            pages[f"reference/{page}.md"] = f"# {title}\n\n" + "\n\n".join(f"::: tracktion.{name}" for name in names)
    for path in sorted((DOCS / "notebooks").glob("*.ipynb")):
        pages[f"notebooks/{path.stem}.md"] = notebook_page(path)
    return pages


def _documented(module: str) -> bool:
    path = ROOT / "src" / "tracktion" / module.replace(".", "/")
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


def notebook_page(path: Path) -> str:
    """A notebook as Markdown: text, code, and the outputs that it was saved with."""
    parts = []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(source)
        elif cell["cell_type"] == "code":
            parts.append(f"```python\n{source}\n```")
            parts += [_output(output) for output in cell["outputs"]]
    return "\n\n".join(part for part in parts if part)


def _output(output: dict[str, Any]) -> str:
    data = output.get("data", {})
    if "text/html" in data:
        return '<div class="notebook-output">\n' + _one_block("".join(data["text/html"])) + "\n</div>"
    if "image/png" in data:
        return f'<img alt="plot" src="data:image/png;base64,{"".join(data["image/png"]).strip()}">'
    text = "".join(output.get("text", data.get("text/plain", "")))
    return f"```text\n{text.rstrip()}\n```" if text else ""


def _one_block(html: str) -> str:
    """HTML without blank lines or indentation, which Markdown would take for its own."""
    return "\n".join(line.strip() for line in html.splitlines() if line.strip())
