"""Results as HTML for notebooks: inline SVG and CSS, light and dark, everything escaped, nothing fetched."""

from __future__ import annotations

from tracktion.display.analysis import analysis_html
from tracktion.display.batch import Batch
from tracktion.display.tables import batch_html, match_html, matches_html, status_html

__all__ = ["Batch", "analysis_html", "batch_html", "match_html", "matches_html", "status_html"]
