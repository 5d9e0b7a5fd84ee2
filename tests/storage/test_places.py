"""Telling network file systems from local ones."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tracktion.storage import open_storage
from tracktion.storage.places import network_filesystem

MOUNTS = """\
/dev/vda / ext4 rw 0 0
server:/music /mnt/music\\040share nfs4 rw 0 0
/dev/vdb /mnt/music\\040share/local ext4 rw 0 0
nonsense
//nas/x /mnt/nas cifs rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/me/music.db", None),
        ("/mnt/music share/a/music.db", "nfs4"),
        ("/mnt/music share/local/music.db", None),
        ("/mnt/music shared/music.db", None),
        ("/mnt/nas/music.db", "cifs"),
    ],
)
def test_the_deepest_mount_decides(path: str, kind: str | None, tmp_path: Path) -> None:
    table = tmp_path / "mounts"
    table.write_text(MOUNTS)
    assert network_filesystem(Path(path), table) == kind
    assert network_filesystem(Path(path), tmp_path / "none") is None


def test_a_catalogue_on_a_network_share_is_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("tracktion.storage.sqlite.network_filesystem", lambda path: "nfs4")
    with caplog.at_level(logging.WARNING, logger="tracktion"), open_storage(tmp_path / "music.db"):
        pass
    assert "network file system (nfs4)" in caplog.text
