"""What the watcher knows of a tree, in a few dozen bytes per file.

Per folder two packed values: the names, joined by ``/`` (no name holds one), and an array of 64-bit hashes of
``(name, signature)``. An unchanged folder is recognised by comparing arrays; only a changed one is unpacked.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from tracktion.storage.journal_versions import Signature

__all__ = ["Difference", "Folder", "KnownTree", "fingerprint", "signature_of"]


def signature_of(stat: os.stat_result) -> Signature:
    """Return what tells one version of a file from another."""
    return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_dev, stat.st_ino


def fingerprint(name: bytes, signature: Signature) -> int:
    """Hash of a file version within this process; without the device, which changes when a disk is plugged in again."""
    return hash((name, signature[0], signature[1], signature[2], signature[4]))


class Folder:
    """Names and fingerprints of one folder's files."""

    __slots__ = ("_names", "_prints")

    def __init__(self) -> None:
        self._names = b""
        self._prints = array("q")

    def __len__(self) -> int:
        return len(self._prints)

    def same(self, names: list[bytes], prints: list[int]) -> bool:
        """Whether these, in the order of their names, are exactly what is known."""
        return (
            len(prints) == len(self._prints) and self._prints == array("q", prints) and b"/".join(names) == self._names
        )

    def unpack(self) -> dict[bytes, int]:
        """Return fingerprints by name."""
        return dict(zip(self._names.split(b"/"), self._prints, strict=True)) if self._prints else {}

    def replace(self, files: Mapping[bytes, int]) -> None:
        """Set the whole content."""
        names = sorted(files)
        self._names = b"/".join(names)
        self._prints = array("q", [files[name] for name in names])


@dataclass(slots=True)
class Difference:
    """What a look at a folder found: names that are new or changed (with signatures), and names that are gone."""

    new: dict[bytes, Signature]
    gone: list[bytes]


class KnownTree:
    """All folders of a root."""

    def __init__(self) -> None:
        self._folders: dict[bytes, Folder] = {}
        self._children: dict[bytes, set[bytes]] = {}
        self.files = 0

    def __contains__(self, path: bytes) -> bool:
        return path in self._folders

    def __len__(self) -> int:
        return len(self._folders)

    def load(self, entries: Iterable[tuple[bytes, Signature]]) -> None:
        """Take over stored file versions: full path and signature."""
        loaded: dict[bytes, tuple[bytearray, array[int]]] = {}  # grow in place, also those of a hundred thousand files
        for path, signature in entries:
            parent, _, name = path.rpartition(b"/")
            if parent not in loaded:
                loaded[parent] = bytearray(), array("q")
            names, prints = loaded[parent]
            names += name + b"/"
            prints.append(fingerprint(name, signature))
            self.files += 1
        while loaded:
            parent, (names, prints) = loaded.popitem()
            folder = self._folders[parent] = Folder()
            folder.replace(dict(zip(bytes(names).split(b"/"), prints, strict=False)))

    def link(self, root: bytes) -> None:
        """After `load`: make every folder the child of its parent, up to `root`."""
        for path in list(self._folders):
            while path != root and len(path) > len(root):
                parent = path.rpartition(b"/")[0]
                siblings = self._children.setdefault(parent, set())
                if path in siblings:
                    break
                siblings.add(path)
                self._folders.setdefault(parent, Folder())
                path = parent  # noqa: PLW2901 - climbs

    def difference(self, path: bytes, files: Mapping[bytes, Signature]) -> Difference:
        """Compare a listing with what is known."""
        names = sorted(files)
        folder = self._folders.get(path)
        if folder is None:
            return Difference({name: files[name] for name in names}, [])
        prints = [fingerprint(name, files[name]) for name in names]
        if folder.same(names, prints):
            return Difference({}, [])
        known = folder.unpack()
        new = {name: files[name] for name, print_ in zip(names, prints, strict=True) if known.get(name) != print_}
        return Difference(new, [name for name in known if name not in files])

    def enter(self, path: bytes, children: Iterable[bytes]) -> tuple[list[bytes], list[bytes]]:
        """Note the subfolders of `path`; return full paths of those that are new, and of those that are gone."""
        self._folders.setdefault(path, Folder())
        now = {path + b"/" + child for child in children}
        before = self._children.get(path, set())
        if now == before:
            return [], []
        if now:
            self._children[path] = now
        else:
            self._children.pop(path, None)
        return sorted(now - before), sorted(before - now)

    def note(self, path: bytes, files: Mapping[bytes, Signature], gone: Iterable[bytes] = ()) -> None:
        """Take over versions that are in the journal, and forget names that are gone."""
        folder = self._folders.setdefault(path, Folder())
        known = folder.unpack()
        before = len(known)
        for name in gone:
            known.pop(name, None)
        for name, signature in files.items():
            known[name] = fingerprint(name, signature)
        folder.replace(known)
        self.files += len(known) - before

    def names(self, path: bytes) -> list[bytes]:
        """Return the names of the known files of a folder."""
        folder = self._folders.get(path)
        return list(folder.unpack()) if folder is not None else []

    def children(self, path: bytes) -> set[bytes]:
        """Return full paths of the known subfolders."""
        return self._children.get(path, set())

    def remove(self, path: bytes) -> Iterator[tuple[bytes, list[bytes]]]:
        """Forget a folder and all below it; yield each with the names of its files."""
        waiting = [path]
        while waiting:
            current = waiting.pop()
            waiting += self._children.pop(current, set())
            folder = self._folders.pop(current, None)
            if folder is not None:
                self.files -= len(folder)
                yield current, list(folder.unpack())

    def walk(self, root: bytes) -> Iterator[bytes]:
        """Yield known folders from `root` downwards."""
        waiting = [root]
        while waiting:
            current = waiting.pop()
            yield current
            waiting += sorted(self._children.get(current, ()), reverse=True)
