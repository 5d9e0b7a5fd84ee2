"""Which names are music, which are unfinished, and which folders are left alone."""

from __future__ import annotations

import os
from collections.abc import Iterable

from tracktion.errors import UsageError

__all__ = ["DEFAULT_EXTENSIONS", "IGNORED_FOLDERS", "TEMPORARY_PREFIXES", "TEMPORARY_SUFFIXES", "FileFilter"]

DEFAULT_EXTENSIONS = (
    *("mp3", "flac", "wav", "m4a", "aac", "ogg"),
    *("oga", "opus", "aif", "aiff", "aifc", "wma", "m4b", "mp2", "mka", "mp4", "webm", "spx"),
    *("ape", "wv", "tta", "mpc", "caf", "au", "snd", "w64", "rf64", "dsf", "dff", "ac3"),
)
"""Extensions that are taken as audio: those of the guide first, then what else can be decoded."""

TEMPORARY_SUFFIXES = (
    *(".part", ".crdownload", ".tmp", ".temp", ".!qb", ".!ut", ".partial", ".partial~", ".filepart", ".download"),
    *(".aria2", ".opdownload", ".unconfirmed", ".swp", "~"),
)
TEMPORARY_PREFIXES = ("._", "~$", ".~", ".goutputstream", ".syncthing.", ".nfs", ".fuse_hidden", ".in.")

IGNORED_FOLDERS = ("@eadir", "#recycle", "$recycle.bin", "system volume information", "lost+found", ".git", ".sync")


class FileFilter:
    """Decides by name alone, on bytes, so that undecodable names are judged like all others.

    Parameters
    ----------
    extensions
        With or without the dot, any case; None for `DEFAULT_EXTENSIONS`.
    """

    __slots__ = ("_suffixes",)

    def __init__(self, extensions: Iterable[str] | None = None) -> None:
        wanted = DEFAULT_EXTENSIONS if extensions is None else tuple(extensions)
        if isinstance(extensions, (str, bytes)) or not wanted or not all(map(_is_extension, wanted)):
            raise UsageError(f"extensions are names such as ['mp3', 'flac'], not {extensions!r}")
        self._suffixes = tuple(b"." + os.fsencode(extension.lower().lstrip(".")) for extension in wanted)

    def wants(self, name: bytes) -> bool:
        """Whether a file of this name is to be analysed."""
        lower = name.lower()
        return lower.endswith(self._suffixes) and not lower.startswith(_PREFIXES)

    @staticmethod
    def enters(name: bytes) -> bool:
        """Whether a folder of this name is looked into."""
        lower = name.lower()
        return lower not in _FOLDERS and not lower.startswith(b".trash")

    @staticmethod
    def is_temporary(name: bytes) -> bool:
        """Whether the name says that the file is not finished."""
        lower = name.lower()
        return lower.endswith(_SUFFIXES) or lower.startswith(_PREFIXES)


def _is_extension(text: object) -> bool:
    return isinstance(text, str) and text.strip(".") != "" and not set(text) & set("*?/")


_SUFFIXES = tuple(os.fsencode(s) for s in TEMPORARY_SUFFIXES)
_PREFIXES = tuple(os.fsencode(p) for p in TEMPORARY_PREFIXES)
_FOLDERS = frozenset(os.fsencode(f) for f in IGNORED_FOLDERS)
