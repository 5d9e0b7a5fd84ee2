"""Writing tempo and key into a file's tags: on request only, and never at the risk of the file."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tracktion.audio.id3 import NEW_TAG, with_texts
from tracktion.audio.identity import audio_identity
from tracktion.audio.limits import Limits
from tracktion.audio.mp3 import id3v2_size
from tracktion.audio.sniff import sniff
from tracktion.audio.source import Source, open_source, source_name
from tracktion.audio.tags import mutagen_class, mutagen_kind, read_tags, translated
from tracktion.errors import CorruptError, FileError, UnreadableError, UnsupportedError, UsageError, printable

if TYPE_CHECKING:
    from tracktion.results.analysis import Analysis

__all__ = ["KeyNotation", "write_tags"]

KeyNotation = Literal["id3", "camelot", "open_key", "name"]

_NOTATIONS: Mapping[str, Callable[[Any], str]] = {
    "id3": lambda key: str(key.id3),
    "camelot": lambda key: str(key.camelot),
    "open_key": lambda key: str(key.open_key),
    "name": lambda key: str(key.name),
}
_MAX_MP4_TEMPO = 0xFFFF


def write_tags(
    path: str | os.PathLike[str] | os.PathLike[bytes],
    analysis: Analysis,
    *,
    bpm: bool = True,
    key: bool = True,
    key_notation: KeyNotation = "id3",
    bpm_decimals: int = 0,
    keep_mtime: bool = False,
    limits: Limits | None = None,
) -> bool:
    """Write tempo and key into the tags of an audio file.

    The file is copied beside itself, the copy is tagged, checked to hold the same audio, brought to the disk and then
    put in the file's place in one step: whatever happens, the old or the new file is there, whole. Mode, owner and
    extended attributes are kept as far as the system lets us; a symbolic link stays, and its target is tagged. Other
    hard links go on to hold the old file. In front of MP3 and AAC every other frame of ID3v2.3 and 2.4 stays to the
    byte, and so does what stands behind the audio (ID3v1, APEv2).

    Parameters
    ----------
    path
        An MP3, FLAC, Ogg (Vorbis, Opus, FLAC, Speex), M4A/MP4, WAV, AIFF, WMA, Monkey's Audio, WavPack, Musepack, True
        Audio or AAC file.
    analysis
        Its tempo and key; what is None there is left as it is in the file.
    bpm, key
        What to write.
    key_notation
        ``id3`` (``F#m``), ``camelot`` (``11A``), ``open_key`` (``4m``) or ``name`` (``F# minor``).
    bpm_decimals
        Decimals of the tempo. 0 by default, as ID3 wants it; MP4 can hold only whole numbers.
    keep_mtime
        Whether the file keeps its time of modification. By default it gets a new one, so that backups see the change.
    limits
        Bounds; `Limits()` by default.

    Returns
    -------
    bool
        Whether anything was written: False if there was nothing to write.

    Raises
    ------
    UnsupportedError
        A format whose tags we do not write.
    CorruptError
        The tags are damaged, or writing them would have changed the audio; the file is untouched.
    UnreadableError
        It cannot be read or written, or it changed meanwhile; the file is untouched.
    UsageError
        Unknown notation, or no analysis.
    """
    limits = limits or Limits()
    if analysis is None:
        raise UsageError(f"{source_name(path)}: there is no analysis to write; a failed item of a batch has none")
    if key_notation not in _NOTATIONS:
        raise UsageError(f"key_notation must be one of {', '.join(_NOTATIONS)}, not {key_notation!r}")
    tempo_text = key_text = None
    if bpm and analysis.tempo is not None:
        tempo_text = f"{analysis.tempo.bpm:.{max(0, bpm_decimals)}f}"
    if key and analysis.key is not None:
        key_text = _NOTATIONS[key_notation](analysis.key)
    if tempo_text is None and key_text is None:
        return False
    name = source_name(path)
    try:
        _replace(Path(os.path.realpath(os.fsdecode(path))), name, tempo_text, key_text, limits, keep_mtime=keep_mtime)
    except (OSError, ValueError) as error:
        if isinstance(error, UsageError):
            raise
        reason = getattr(error, "strerror", None) or error  # without the name of our copy
        raise UnreadableError(f"cannot write tags: {reason}", file=name, stage="tags") from error
    return True


def _replace(path: Path, name: str, tempo: str | None, key: str | None, limits: Limits, *, keep_mtime: bool) -> None:
    with open_source(path, limits=limits, follow_symlinks=False) as source:
        before = os.fstat(source.fd) if source.fd is not None else path.stat()
        kind, start = sniff(source)
        kind = mutagen_kind(source.window(start), kind)
        identity = audio_identity(path, limits=limits, follow_symlinks=False, trust_md5=False)
        new, begin = b"", 0
        if kind == "unknown":
            with translated(name):
                new, begin = _leading_id3(path, source, _texts(tempo, key), limits)
        with contextlib.ExitStack() as stack:
            fd, temporary = tempfile.mkstemp(prefix=".", suffix=".tracktion.part", dir=path.parent)
            copy = Path(temporary)
            stack.callback(copy.unlink, missing_ok=True)
            with os.fdopen(fd, "wb") as out:
                out.write(new)
                source.seek(begin)
                shutil.copyfileobj(source, out, 1 << 20)
                if kind in ("wav", "aiff") and out.tell() % 2:
                    out.write(b"\0")  # a chunk that is appended has to begin at an even place
            if kind != "unknown":
                with translated(name):
                    _tag(copy, kind, tempo, key, name)
            if audio_identity(copy, limits=limits, trust_md5=False) != identity:
                raise CorruptError("writing tags would change the audio", file=name, stage="tags")
            _settle(copy, path, before, keep_mtime=keep_mtime)
            now = path.lstat()
            if _signature(now) != _signature(before):
                raise UnreadableError("the file changed meanwhile", file=name, stage="tags")
            copy.replace(path)
    _sync_folder(path.parent)


def _signature(status: os.stat_result) -> tuple[int, ...]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _settle(copy: Path, path: Path, before: os.stat_result, *, keep_mtime: bool) -> None:
    """Give the copy what the file has besides its bytes, and bring it to the disk."""
    modified = copy.stat().st_mtime_ns
    shutil.copystat(path, copy)
    if hasattr(os, "chown"):
        with contextlib.suppress(PermissionError):
            os.chown(copy, before.st_uid, before.st_gid)
    if not keep_mtime:
        os.utime(copy, ns=(before.st_atime_ns, modified))
    with copy.open("rb+") as file:
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    fd = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            os.fsync(fd)
    finally:
        os.close(fd)


def _tag(path: Path, kind: str, tempo: str | None, key: str | None, name: str) -> None:
    """Write to the tags of the file at `path`, which nobody else uses."""
    with path.open("rb") as file:
        form, size = file.read(4), file.read(4)
    if kind == "wav" and form != b"RIFF":
        raise UnsupportedError(f"writing tags into {printable(form.decode('latin-1'))} files", file=name, stage="tags")
    if kind == "wav" and size in (bytes(4), b"\xff" * 4):
        raise UnsupportedError("writing tags into a WAV whose header does not say its length", file=name, stage="tags")
    if kind in ("tta", "wav", "aiff", "dsf", "dsdiff"):
        _tag_id3(path, kind, tempo, key)
        return
    loader = mutagen_class(kind)
    if loader is None:
        raise UnsupportedError(f"writing tags into {kind} files", file=name, stage="tags")
    file = loader(str(path))
    if file.tags is None:
        file.add_tags()
    for field, text in (("bpm", tempo), ("key", key)):
        if text is not None:
            _set(file, kind, field, text)
    file.save()


_MP4_KEY = "----:com.apple.iTunes:initialkey"
_V23, _V24 = (2, 3, 0), (2, 4, 0)
_FIELDS = {
    "vorbis": {"bpm": "BPM", "key": "INITIALKEY"},
    "asf": {"bpm": "WM/BeatsPerMinute", "key": "WM/InitialKey"},
    "ape": {"bpm": "BPM", "key": "Initialkey"},
}


def _set(file: Any, kind: str, field: str, text: str) -> None:
    if kind == "mp4":
        if field == "bpm":
            file["tmpo"] = [min(round(float(text)), _MAX_MP4_TEMPO)]
        else:
            for name in [name for name in file if name.lower() == _MP4_KEY.lower()]:  # others write it in capitals
                del file[name]
            file[_MP4_KEY] = [text.encode()]
        return
    style = "vorbis" if kind == "flac" or kind.startswith("ogg ") else kind if kind == "asf" else "ape"
    file[_FIELDS[style][field]] = [text] if style == "asf" else text


def _tag_id3(path: Path, kind: str, tempo: str | None, key: str | None) -> None:
    """Write to the ID3v2 tag in a chunk of the file."""
    loader = mutagen_class(kind)
    file = loader(str(path), translate=False)
    if file.tags is not None and file.tags.version < _V23:
        file = loader(str(path))
    if file.tags is None:
        file.add_tags()
    _set_id3(file.tags, _texts(tempo, key))
    file.save(**_as_it_is(file.tags))


def _texts(tempo: str | None, key: str | None) -> dict[str, str]:
    return {name: text for name, text in (("TBPM", tempo), ("TKEY", key)) if text is not None}


def _leading_id3(path: Path, source: Source, texts: dict[str, str], limits: Limits) -> tuple[bytes, int]:
    """The ID3v2 tag in front of MPEG audio or AAC with new texts, and how long the old one is.

    What stands behind the audio (ID3v1, APEv2, lyrics) is left alone. A first ID3v2 tag repeats what they say: many
    players look no further.
    """
    old = source.read_at(0, id3v2_size(source.read_at(0, 10)))
    if not old:
        texts = _known(path, limits) | texts
    new = with_texts(old or NEW_TAG, texts)
    return (_tag_by_mutagen(old, texts) if new is None else new), len(old)


_FIRST_FRAMES = {
    "TIT2": "title",
    "TPE1": "artist",
    "TALB": "album",
    "TPE2": "albumartist",
    "TCON": "genre",
    "TYER": "year",
    "TRCK": "track",
}


def _known(path: Path, limits: Limits) -> dict[str, str]:
    with contextlib.suppress(FileError):
        tags = read_tags(path, limits=limits, follow_symlinks=False)
        known = {name: getattr(tags, field) for name, field in _FIRST_FRAMES.items()}
        return {name: str(value) for name, value in known.items() if value is not None}
    return {}


def _tag_by_mutagen(old: bytes, texts: dict[str, str]) -> bytes:
    """Tags of version 2.2, unsynchronised and extended ones, written anew."""
    id3: Any = importlib.import_module("mutagen.id3")
    tags = id3.ID3(io.BytesIO(old), translate=False)
    if tags.version < _V23:
        tags = id3.ID3(io.BytesIO(old))
    _set_id3(tags, texts)
    new = io.BytesIO()
    tags.save(new, **_as_it_is(tags))
    return new.getvalue()


def _as_it_is(tags: Any) -> dict[str, Any]:
    """How mutagen saves a tag in its own version: one that it had translated would lose what 2.3 has under other names.

    2.2 becomes 2.4, which has a place for everything.
    """
    return {"v2_version": 3, "v23_sep": None} if _V23 <= tags.version < _V24 else {"v2_version": 4}


def _set_id3(tags: Any, texts: dict[str, str]) -> None:
    id3: Any = importlib.import_module("mutagen.id3")
    for name, text in texts.items():
        tags.setall(name, [getattr(id3, name)(encoding=3, text=[text])])
