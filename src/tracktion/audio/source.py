"""Opening of what the user names, as data that may be hostile.

A path is opened once, here, and only if it is a regular file; everybody else works on the open file. FFmpeg and
libsndfile never see a name.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import stat
import tempfile
from collections.abc import Callable
from typing import Any, Protocol, Self, runtime_checkable

from tracktion.audio.limits import Limits
from tracktion.errors import TooBigError, TracktionError, UnreadableError, UsageError

__all__ = ["BinaryFile", "QuietReader", "Source", "SourceLike", "open_source", "source_name"]

_SPOOL_BYTES = 1 << 20
_CHUNK_BYTES = 1 << 20


@runtime_checkable
class BinaryFile(Protocol):
    """What we need of a file object: bytes on demand."""

    def read(self, size: int, /) -> bytes:
        """Return up to `size` bytes; none at the end."""


SourceLike = str | bytes | bytearray | memoryview | os.PathLike[str] | os.PathLike[bytes] | BinaryFile


class Source:
    """An open, seekable file that never raises anything but `TracktionError`, and never returns more than asked for.

    Attributes
    ----------
    file
        Seekable binary file.
    name
        For messages.
    size
        Bytes.
    fd
        Descriptor behind `file`, if it is a regular file; else None.
    close
        Called once by `close`.
    """

    def __init__(self, file: Any, *, name: str, size: int, fd: int | None, close: Callable[[], None] | None) -> None:
        self.file = file
        self._close = close
        self.name = name
        self.size = size
        self.fd = fd

    def read(self, size: int = -1, /) -> bytes:
        """Read `size` bytes (the rest if negative) from the current position; fewer only at the end of the file."""
        if size < 0:
            size = max(0, self.size - self.tell())
        parts = [self._some(size)]
        rest = size - len(parts[0])
        # libsndfile takes a short read, as of a socket, for the end.
        while rest > 0 and parts[-1]:
            parts.append(self._some(rest))
            rest -= len(parts[-1])
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _some(self, size: int) -> bytes:
        try:
            data = self.file.read(size)
        except Exception as error:
            raise UnreadableError(f"reading failed: {error}", file=self.name, stage="read") from error
        if not isinstance(data, bytes):
            data = self._bytes(data)
        return data if len(data) <= size else data[:size]

    def _bytes(self, data: object) -> bytes:
        if data is None:
            # To take this for the end would lose the rest of the music without a word.
            reason = "the file object has no data at the moment and does not wait for more (see os.set_blocking)"
            raise UnreadableError(reason, file=self.name, stage="read")
        if not isinstance(data, (bytearray, memoryview)):
            reason = f"the file object returned {type(data).__name__}, not bytes; open it in binary mode"
            raise UsageError(reason, file=self.name, stage="read")
        return bytes(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move as `io.IOBase.seek` does; positions before the start raise `UnreadableError`."""
        try:
            at = self.file.seek(offset, whence)
            return self.tell() if at is None else int(at)  # mmap says nothing before Python 3.13
        except TracktionError:
            raise
        except Exception as error:
            raise UnreadableError(f"seeking failed: {error}", file=self.name, stage="read") from error

    def tell(self) -> int:
        """Position in bytes."""
        try:
            return int(self.file.tell())
        except Exception as error:
            raise UnreadableError(f"seeking failed: {error}", file=self.name, stage="read") from error

    def read_at(self, offset: int, size: int) -> bytes:
        """Read up to `size` bytes at `offset`; fewer only at the end of the file."""
        if offset < 0 or offset >= self.size or size <= 0:
            return b""
        self.seek(offset)
        return self.read(size)

    def fileno(self) -> int:
        """Descriptor of the file.

        Raises
        ------
        OSError
            There is none.
        """
        if self.fd is None:
            raise io.UnsupportedOperation("no file on disk")
        return self.fd

    def window(self, start: int, stop: int | None = None) -> Source:
        """Return the bytes from `start` to `stop` as a source of their own, which shares the position of this one."""
        stop = self.size if stop is None else min(stop, self.size)
        if start == 0 and stop == self.size:
            return self
        return Source(_Window(self, start, stop), name=self.name, size=max(0, stop - start), fd=None, close=None)

    def close(self) -> None:
        """Close what we opened; a file object of the caller stays open."""
        close, self._close = self._close, None
        if close is not None:
            close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Window:
    """Part of a file, as a file."""

    def __init__(self, source: Source, start: int, stop: int) -> None:
        self._source = source
        self._start = start
        self._size = max(0, stop - start)
        self._position = 0

    def read(self, size: int) -> bytes:
        self._source.seek(self._start + self._position)
        data = self._source.read(max(0, min(size, self._size - self._position)))
        self._position += len(data)
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError(f"position {base + offset}")
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        return self._position


class QuietReader:
    """The file as a decoder's callbacks see it: no name, no more bytes than asked for, and nothing is raised.

    What is raised in a callback, the libraries print and forget: Ctrl-C too, which FFmpeg may then wait for for ever.

    Attributes
    ----------
    error
        The failure or interrupt that was kept back; from there on the decoder sees the end of the file.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self.error: BaseException | None = None

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes; none at the end or after a failure."""
        try:
            return b"" if self.error is not None else self._source.read(max(0, size))
        except BaseException as error:  # noqa: BLE001 - the decoder raises it
            self.error = error
            return b""

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move; returns the new position, -1 if there is no such place."""
        try:
            return self._source.seek(offset, whence)
        except TracktionError:
            return -1
        except BaseException as error:  # noqa: BLE001 - the decoder raises it
            self.error = error
            return -1

    def tell(self) -> int:
        """Position in bytes; -1 after a failure."""
        try:
            return self._source.tell()
        except BaseException as error:  # noqa: BLE001 - the decoder raises it
            self.error = error
            return -1


def source_name(source: object) -> str:
    """Text that names `source` in messages and results."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return f"<{memoryview(source).nbytes} bytes>"
    if isinstance(source, (str, os.PathLike)):
        return os.fsdecode(source)
    if isinstance(source, tuple):
        return "<array>"
    name = getattr(source, "name", None)
    return os.fsdecode(name) if isinstance(name, (str, bytes)) else f"<{type(source).__name__}>"


def open_source(
    source: SourceLike,
    *,
    limits: Limits | None = None,
    follow_symlinks: bool = True,
    within: str | os.PathLike[str] | os.PathLike[bytes] | None = None,
) -> Source:
    """Open `source` for reading, as data that may be hostile.

    Parameters
    ----------
    source
        A path (also with a name that is not UTF-8), the bytes of a file, or a binary file object, which is read from
        its start and left open. File objects that cannot seek are copied to a temporary file first.
    limits
        Bounds; `Limits()` by default.
    follow_symlinks
        Whether a path whose last part is a symbolic link may be opened. What it points to must be a regular file.
    within
        A folder: the path, with all links resolved, must lie below it, also if somebody exchanges a folder on the way
        for a link at this very moment.

    Raises
    ------
    UnreadableError
        Missing, not permitted, not a regular file (folder, FIFO, socket, device), a loop of links, an I/O error.
    TooBigError
        More bytes than `limits` allow.
    UsageError
        Not a source at all.
    """
    limits = limits or Limits()
    name = source_name(source)
    if isinstance(source, memoryview):
        source = source.cast("B") if source.c_contiguous else source.tobytes()
    if isinstance(source, (bytes, bytearray, memoryview)):
        _check_size(len(source), limits, name)
        return Source(io.BytesIO(source), name=name, size=len(source), fd=None, close=None)
    if isinstance(source, (str, os.PathLike)):
        root = None if within is None else os.fsencode(within)
        try:
            path = os.fsencode(source)
        except UnicodeEncodeError as error:
            raise UnreadableError(f"not a possible file name: {error}", file=name, stage="open") from error
        return _open_path(path, name, limits, follow_symlinks=follow_symlinks, root=root)
    if isinstance(source, io.TextIOBase):
        raise UsageError("a text file object; open it in binary mode", file=name, stage="open")
    if isinstance(source, BinaryFile):
        return _open_file_object(source, name, limits)
    raise UsageError(
        f"expected a path, bytes, a binary file object or (array, sample_rate), not {type(source).__name__}",
        file=name,
        stage="open",
    )


def _check_size(size: int, limits: Limits, name: str) -> None:
    if size > limits.max_file_bytes:
        reason = f"{size} bytes are more than the limit of {limits.max_file_bytes} (Limits.max_file_bytes)"
        raise TooBigError(reason, file=name, stage="open")


_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFLNK: "a symbolic link",
}


def _check_regular(mode: int, name: str) -> None:
    if not stat.S_ISREG(mode):
        kind = _KINDS.get(stat.S_IFMT(mode), "a special file")
        raise UnreadableError(f"not a regular file but {kind}", file=name, stage="open")


def _open_path(path: bytes, name: str, limits: Limits, *, follow_symlinks: bool, root: bytes | None) -> Source:
    flags = os.O_RDONLY
    for flag in ("O_CLOEXEC", "O_NONBLOCK", "O_NOCTTY", "O_BINARY"):
        flags |= getattr(os, flag, 0)
    if not follow_symlinks:
        flags |= getattr(os, "O_NOFOLLOW", 0)
    try:
        # The look before the leap keeps us from opening devices, where an open alone can act; fstat after it decides.
        look = os.stat if follow_symlinks else os.lstat
        _check_regular(look(path).st_mode, name)
        fd = os.open(path, flags) if root is None else _open_below(path, root, flags)
    except ValueError as error:
        raise UnreadableError(f"not a possible file name: {error}", file=name, stage="open") from error
    except OSError as error:
        loop = error.errno == errno.ELOOP
        reason = "a symbolic link, or a loop of them" if loop else error.strerror or str(error)
        raise UnreadableError(reason, file=name, stage="open") from error
    try:
        status = os.fstat(fd)
        _check_regular(status.st_mode, name)
        _check_size(status.st_size, limits, name)
        file = io.FileIO(fd)
    except BaseException:
        os.close(fd)
        raise
    # As with any file of Python, one that nobody closes is closed (with a ResourceWarning) when nobody holds it.
    return Source(file, name=name, size=status.st_size, fd=fd, close=file.close)


def _open_below(path: bytes, root: bytes, flags: int) -> int:
    """Open `path` folder by folder from `root`, without following any link on the way."""
    root, path = os.path.realpath(root), os.path.realpath(path)
    below = os.path.relpath(path, root)
    parts = below.split(os.sep.encode())
    if parts[0] == os.pardir.encode():
        raise PermissionError(errno.EACCES, "outside of the folder that it must lie in")
    if os.open not in os.supports_dir_fd:
        return os.open(path, flags)
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in parts[:-1]:
            inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
            os.close(folder)
            folder = inner
        return os.open(parts[-1], flags | os.O_NOFOLLOW, dir_fd=folder)
    finally:
        os.close(folder)


def _open_file_object(file: BinaryFile, name: str, limits: Limits) -> Source:
    if isinstance(file, Source):
        _check_size(file.size, limits, name)
        return Source(file, name=name, size=file.size, fd=file.fd, close=None)
    size = _size_by_seeking(file, name)
    if size is None:
        return _spooled(file, name, limits)
    _check_size(size, limits, name)
    return Source(file, name=name, size=size, fd=None, close=None)


def _size_by_seeking(file: BinaryFile, name: str) -> int | None:
    """Bytes of a file object, which is left at its start; None if it cannot seek."""
    seek, tell = getattr(file, "seek", None), getattr(file, "tell", None)
    try:
        if not (callable(seek) and callable(tell) and getattr(file, "seekable", lambda: True)()):
            return None
        seek(0, io.SEEK_END)
        size = int(tell())
        seek(0)
    except Exception as error:
        raise UnreadableError(f"reading failed: {error}", file=name, stage="open") from error
    return size


def _spooled(file: BinaryFile, name: str, limits: Limits) -> Source:
    with contextlib.ExitStack() as stack:
        spool = stack.enter_context(tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES))
        incoming = Source(file, name=name, size=0, fd=None, close=None)
        size = 0
        while data := incoming.read(_CHUNK_BYTES):
            size += len(data)
            _check_size(size, limits, name)
            try:
                spool.write(data)
            except OSError as error:
                reason = f"a stream that cannot seek is copied to {tempfile.gettempdir()} first, which failed: {error}"
                raise UnreadableError(reason, file=name, stage="read") from error
        spool.seek(0)
        return Source(spool, name=name, size=size, fd=None, close=stack.pop_all().close)
