"""Reading one folder."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tracktion.storage.journal_versions import Signature
from tracktion.watching.known import signature_of

if TYPE_CHECKING:
    from tracktion.watching.filters import FileFilter

__all__ = ["Listing", "list_folder"]


@dataclass(slots=True)
class Listing:
    """One folder: its files with signatures, its subfolders with inodes, and names that could not be looked at."""

    files: dict[bytes, Signature] = field(default_factory=dict)
    folders: dict[bytes, int] = field(default_factory=dict)
    unsure: set[bytes] = field(default_factory=set)


def list_folder(path: bytes, names: FileFilter) -> Listing:
    """Read a folder.

    Symbolic links are not followed: what they lead to inside a root is found where it really is, and what is outside of
    all roots is not ours.

    Raises
    ------
    OSError
        The folder cannot be read.
    """
    found = Listing()
    with os.scandir(path) as entries:
        for entry in entries:
            name = entry.name
            try:
                if entry.is_dir(follow_symlinks=False):
                    if names.enters(name):
                        found.folders[name] = entry.inode()
                elif names.wants(name):
                    status = entry.stat(follow_symlinks=False)
                    if stat.S_ISREG(status.st_mode):
                        found.files[name] = signature_of(status)
            except FileNotFoundError:
                continue
            except OSError:
                found.unsure.add(name)
    return found
