"""Where a file lies: SQLite's locks cannot be relied on over a network."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["network_filesystem"]

_NETWORK = {"9p", "afs", "ceph", "cifs", "davfs", "fuse.sshfs", "glusterfs", "lustre", "nfs", "nfs4", "smb3", "smbfs"}


def network_filesystem(path: Path, mounts: Path = Path("/proc/self/mounts")) -> str | None:
    """Return the kind of network file system that `path` lies on; None for a local one, or where it cannot be told."""
    try:
        lines = mounts.read_bytes().splitlines()
    except OSError:
        return None
    place = os.fsencode(path.resolve())
    best, kind = b"", None
    for line in lines:
        fields = line.split(b" ")
        if len(fields) < 3:
            continue
        # Blanks and the like stand as octal escapes in that table.
        mount = fields[1].decode("unicode_escape").encode("latin-1")
        inside = place == mount or place.startswith(mount.rstrip(b"/") + b"/")
        if inside and len(mount) >= len(best):
            best, kind = mount, fields[2].decode("ascii", "replace")
    return kind if kind in _NETWORK else None
