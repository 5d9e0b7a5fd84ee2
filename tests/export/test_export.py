"""What is exported validates, and comes back as it was."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tracktion import export
from tracktion.errors import CorruptError, UnreadableError, UsageError
from tracktion.export.xmltools import clean
from tracktion.results.analysis import Analysis
from tracktion.results.key import KEY_NAMES, Key
from tracktion.results.rhythm import BeatGrid, Beats, GridSegment, Tempo
from tracktion.results.structure import Segment, Structure
from tracktion.results.tags import Tags

DATA = Path(__file__).parents[1] / "data"
WRITERS = {
    "rekordbox": (export.write_rekordbox, export.read_rekordbox),
    "traktor": (export.write_traktor, export.read_traktor),
}

text = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20).map(clean)
seconds = st.floats(0, 7200, allow_subnormal=False)
bpms = st.floats(30, 300)
anchors = st.builds(
    export.GridAnchor, seconds=seconds, bpm=bpms, beats_per_bar=st.integers(2, 12), beat_in_bar=st.just(1)
)
cues = st.builds(
    export.Cue,
    seconds=seconds,
    name=text.filter(lambda s: s != "n.n."),
    kind=st.sampled_from(["cue", "fade_in", "fade_out", "load"]),
    hot=st.none() | st.integers(0, 7),
)
paths = st.lists(text.map(lambda s: s.replace("/", "").strip(".") or "x"), min_size=1, max_size=4).map(
    lambda parts: "/" + "/".join(parts)
)
tracks = st.builds(
    export.ExportTrack,
    path=paths,
    title=text,
    artist=text,
    album=text,
    genre=text,
    year=st.integers(0, 2100),
    track_number=st.integers(0, 99),
    duration=seconds,
    sample_rate=st.sampled_from([0, 44100, 96000]),
    bpm=bpms,
    key=st.sampled_from(["", *KEY_NAMES]),
    grid=st.lists(anchors, max_size=3, unique_by=lambda a: a.seconds).map(
        lambda found: tuple(sorted(found, key=lambda a: a.seconds))
    ),
    cues=st.lists(cues, max_size=4).map(tuple),
)


def kept(track: export.ExportTrack, target: str) -> export.ExportTrack:
    """What a format can hold of a track, as its documentation says."""
    if target == "rekordbox":
        return replace(track, duration=float(round(track.duration)))
    grid = tuple(replace(anchor, beats_per_bar=4) for anchor in track.grid)
    return replace(track, sample_rate=0, grid=grid)


@pytest.mark.parametrize("target", WRITERS)
@given(written=st.lists(tracks, max_size=4, unique_by=lambda t: t.path))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_round_trip_is_lossless(target: str, written: list[export.ExportTrack], tmp_path: Path) -> None:
    """Every field that a format knows comes back bit for bit, and the file validates."""
    write, read = WRITERS[target]
    path = tmp_path / f"{target}.xml"
    write(written, path, playlist="All & more")
    validate(path, target)
    found = read(path)
    assert list(found.tracks) == [kept(track, target) for track in written]
    assert found.playlists == {"All & more": tuple(range(len(written)))}


def validate(path: Path, target: str) -> None:
    etree = pytest.importorskip("lxml.etree")
    schema = etree.XMLSchema(etree.parse(DATA / f"{target}.xsd"))
    schema.assertValid(etree.parse(path))


def analysis(**changes: object) -> Analysis:
    segments = (
        GridSegment(0.0, 100.0, 123.456789, 0.123456, 4, 2),
        GridSegment(100.0, 301.0, 98.7654321, 100.2, 3, 0),
    )
    grid = BeatGrid(segments)
    values = {
        "duration": 301.0,
        "sample_rate": 44100,
        "channels": 2,
        "source": "/music/ä&<b>.mp3",
        "tempo": Tempo(123.456789, 0.9),
        "grid": grid,
        "downbeats": Beats(grid.beats()[2::4]),
        "key": Key("F#", "minor"),
        "structure": Structure(segments=(Segment(0, 30.0), Segment(30.0, 301.0))),
        "tags": Tags(artist="Ann", title="One", year=1999),
    }
    return Analysis(**(values | changes))


@pytest.mark.parametrize("target", WRITERS)
def test_beats_of_an_analysis_survive_within_a_millisecond(target: str, tmp_path: Path) -> None:
    """The grid that another program reads is the grid that was heard, to 1 ms over five minutes."""
    write, read = WRITERS[target]
    heard = analysis()
    track = export.ExportTrack.from_analysis(heard)
    write([track], tmp_path / "x.xml")
    validate(tmp_path / "x.xml", target)
    back = read(tmp_path / "x.xml").tracks[0]
    beats = back.beat_grid().beats()
    expected = heard.grid.beats()
    if target == "traktor":  # its first marker moves to the first beat of a bar and reaches backwards from there
        expected = expected[2:]
    assert len(beats) == len(expected)
    assert np.abs(beats - expected).max() < 1e-9
    assert back.key == "F# minor"
    assert [cue.name for cue in back.cues] == ["Load", "Start", "Section 2"]
    assert np.abs(back.cues[0].seconds - heard.downbeats.times[0]) < 1e-9


def test_bars_travel_with_the_rekordbox_grid(tmp_path: Path) -> None:
    """Which beat is the first of its bar is told by Battito."""
    export.write_rekordbox([export.ExportTrack.from_analysis(analysis())], tmp_path / "x.xml")
    first, second = export.read_rekordbox(tmp_path / "x.xml").tracks[0].beat_grid().segments
    assert (first.beats_per_bar, first.first_downbeat) == (4, 2)
    assert (second.beats_per_bar, second.first_downbeat) == (3, 0)


@pytest.mark.parametrize("target", WRITERS)
def test_offset_is_added_and_taken_off(target: str, tmp_path: Path) -> None:
    """A target that starts earlier sees all times later; reading with the same offset undoes it."""
    write, read = WRITERS[target]
    track = replace(export.ExportTrack.from_analysis(analysis()), grid=(export.GridAnchor(1.5, 120.0),))
    write([track], tmp_path / "x.xml", offset_seconds=lambda path: 0.025 if path.endswith(".mp3") else 0.0)
    assert read(tmp_path / "x.xml").tracks[0].grid[0].seconds == pytest.approx(1.525, abs=1e-12)
    back = read(tmp_path / "x.xml", offset_seconds=0.025).tracks[0]
    assert back.grid[0].seconds == pytest.approx(1.5, abs=1e-12)
    assert back.cues[1].seconds == pytest.approx(track.cues[1].seconds, abs=1e-12)


@pytest.mark.parametrize("target", WRITERS)
def test_times_never_become_negative(target: str, tmp_path: Path) -> None:
    """A negative offset moves the first marker on by whole beats and bars, not below zero."""
    write, read = WRITERS[target]
    track = export.ExportTrack("/a.wav", duration=10, grid=(export.GridAnchor(0.01, 120.0),), cues=(export.Cue(0.01),))
    write([track], tmp_path / "x.xml", offset_seconds=-0.05)
    validate(tmp_path / "x.xml", target)
    back = read(tmp_path / "x.xml").tracks[0]
    phase = (back.grid[0].seconds + 0.04) % 0.5
    assert min(phase, 0.5 - phase) < 1e-9
    assert back.cues[0].seconds == 0


@pytest.mark.parametrize(
    "path", ["/music/a b%20#?.mp3", "C:/Users/x/song.mp3", "/music/\udcff\udcfe.mp3", "/ünï/曲.flac", "/a/./b.wav"]
)
def test_rekordbox_holds_every_path(path: str, tmp_path: Path) -> None:
    """Paths of all systems, also those that are no text, come back as they were."""
    export.write_rekordbox([export.ExportTrack(path)], tmp_path / "x.xml")
    assert export.read_rekordbox(tmp_path / "x.xml").tracks[0].path == path


def test_traktor_skips_paths_that_are_no_text(tmp_path: Path) -> None:
    """A path that XML cannot hold is left out and named, the rest is written."""
    done = export.write_traktor(
        [export.ExportTrack("/a\udcff.mp3"), export.ExportTrack("C:/b.mp3")], tmp_path / "x.nml"
    )
    assert [skipped.path for skipped in done.skipped] == ["/a\udcff.mp3"]
    assert [track.path for track in export.read_traktor(tmp_path / "x.nml").tracks] == ["C:/b.mp3"]


@pytest.mark.parametrize("target", WRITERS)
def test_hostile_text_cannot_break_the_document(target: str, tmp_path: Path) -> None:
    """Markup and control characters in tags stay text; what XML cannot hold is dropped."""
    write, read = WRITERS[target]
    nasty = "\x00\x1b]]>&lt;<TRACK/>\"'\ud800"
    write([export.ExportTrack("/a.mp3", title=nasty, artist=nasty)], tmp_path / "x.xml")
    validate(tmp_path / "x.xml", target)
    assert read(tmp_path / "x.xml").tracks[0].title == "]]>&lt;<TRACK/>\"'"


@pytest.mark.parametrize("target", WRITERS)
@pytest.mark.parametrize(
    "content",
    ["", "no xml", "<a>", '<!DOCTYPE x [<!ENTITY a "aaaa">]><NML>&a;</NML>', "<OTHER/>", "<NML/>", "<DJ_PLAYLISTS/>"],
)
def test_bad_files_are_errors_of_ours(target: str, content: str, tmp_path: Path) -> None:
    """What is no such document raises CorruptError; entities are never expanded."""
    (tmp_path / "x.xml").write_text(content)
    with pytest.raises(CorruptError):
        WRITERS[target][1](tmp_path / "x.xml")
    with pytest.raises(UnreadableError):
        WRITERS[target][1](tmp_path / "missing.xml")


def test_readers_take_what_other_programs_write(tmp_path: Path) -> None:
    """Absent attributes, commas for points, two decimals, playlists by location, loops: all are read."""
    (tmp_path / "r.xml").write_text(
        '<DJ_PLAYLISTS Version="1.0.0"><PRODUCT Name="rekordbox" Version="6"/><COLLECTION Entries="1">'
        '<TRACK TrackID="7" Name="A" Location="file://localhost/C:/M/a%20b.mp3" AverageBpm="128.00" Tonality="5A">'
        '<TEMPO Inizio="0,025" Bpm="128.00" Metro="4/4" Battito="1"/><TEMPO Inizio="9" Bpm="0.00"/>'
        '<POSITION_MARK Type="4" Start="1.0" End="3.5" Num="0"/></TRACK></COLLECTION>'
        '<PLAYLISTS><NODE Type="0" Name="ROOT">'
        '<NODE Type="1" Name="P" KeyType="1"><TRACK Key="file://localhost/C:/M/a%20b.mp3"/><TRACK Key="gone"/></NODE>'
        "</NODE></PLAYLISTS></DJ_PLAYLISTS>"
    )
    found = export.read_rekordbox(tmp_path / "r.xml")
    track = found.tracks[0]
    assert (track.path, track.key, track.bpm) == ("C:/M/a b.mp3", "C minor", 128.0)
    assert track.grid == (export.GridAnchor(0.025, 128.0),)
    assert track.cues == (export.Cue(1.0, kind="loop", hot=0, length=2.5),)
    assert found.playlists == {"P": (0,)}

    (tmp_path / "t.nml").write_text(
        '<NML VERSION="19"><COLLECTION ENTRIES="1"><ENTRY TITLE="A"><LOCATION DIR="/:M/:" FILE="a.mp3" VOLUME="C:"/>'
        '<INFO KEY="4m" PLAYTIME="61"/><TEMPO BPM="128.000000"/><CUE_V2 NAME="AutoGrid" TYPE="4" START="25.5"/>'
        '</ENTRY><ENTRY TITLE="no location"/></COLLECTION></NML>'
    )
    track = export.read_traktor(tmp_path / "t.nml").tracks[0]
    assert (track.path, track.key, track.duration) == ("C:/M/a.mp3", "F# minor", 61.0)
    assert track.grid == (export.GridAnchor(0.0255, 128.0),)


@pytest.mark.parametrize("notation", ["id3", "camelot", "open_key"])
@pytest.mark.parametrize("name", KEY_NAMES)
def test_all_keys_come_back_from_rekordbox(name: str, notation: str, tmp_path: Path) -> None:
    """All 24 keys in each spelling."""
    export.write_rekordbox([export.ExportTrack("/a.mp3", key=name)], tmp_path / "x.xml", key_notation=notation)
    assert export.read_rekordbox(tmp_path / "x.xml").tracks[0].key == name


@pytest.mark.parametrize("target", WRITERS)
def test_lists_of_one_name_in_several_folders_all_come_back(target: str, tmp_path: Path) -> None:
    """The later ones have the names of their folders, and numbers where those do not do."""
    if target == "rekordbox":
        node, inner, end = '<NODE Type="{}" Name="{}">', "", "</NODE>"
        lists = '<NODE Type="1" Name="May" KeyType="0"><TRACK Key="{}"/></NODE>'
        head = '<DJ_PLAYLISTS><COLLECTION><TRACK TrackID="0" Location="file://localhost/a"/>'
        head += '<TRACK TrackID="1" Location="file://localhost/b"/></COLLECTION><PLAYLISTS>'
        root, folder, tail = node.format(0, "ROOT"), node.format(0, "2024"), "</PLAYLISTS></DJ_PLAYLISTS>"
    else:
        node, inner, end = '<NODE TYPE="FOLDER" NAME="{}"><SUBNODES>', "</SUBNODES>", "</NODE>"
        lists = '<NODE TYPE="PLAYLIST" NAME="May"><PLAYLIST><ENTRY><PRIMARYKEY KEY="/:{}"/></ENTRY></PLAYLIST></NODE>'
        head = '<NML><COLLECTION><ENTRY><LOCATION DIR="/:" FILE="0"/></ENTRY>'
        head += '<ENTRY><LOCATION DIR="/:" FILE="1"/></ENTRY></COLLECTION><PLAYLISTS>'
        root, folder, tail = node.format("$ROOT"), node.format("2024"), "</PLAYLISTS></NML>"
    inside = lists.format(0) + folder + lists.format(1) + lists.format(0) + inner + end
    (tmp_path / "x.xml").write_text(head + root + inside + inner + end + tail)
    found = WRITERS[target][1](tmp_path / "x.xml").playlists
    assert found == {"May": (0,), "2024/May": (1,), "2024/May (3)": (0,)}


@pytest.mark.parametrize("target", ["rekordbox", "traktor", "m3u8"])
def test_relative_paths_are_those_of_the_writer(target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They would be looked for from where the export lies, or from the root."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lists").mkdir()
    write, read = {**WRITERS, "m3u8": (export.write_m3u8, export.read_m3u8)}[target]
    paths = ["music/a.mp3", "C:/b.mp3", "\\\\nas\\share\\c.mp3"][: 2 if target == "traktor" else 3]
    write([export.ExportTrack(path) for path in paths], tmp_path / "lists" / "x")
    found = [track.path for track in read(tmp_path / "lists" / "x").tracks]
    assert found[0] == str(tmp_path / "music" / "a.mp3")
    assert found[1] == paths[1]


@pytest.mark.parametrize(
    ("path", "volume", "place"),
    [
        ("/Users/ann/a.mp3", "Macintosh HD", ("Macintosh HD", "/:Users/:ann/:")),
        ("/Volumes/STICK/m/a.mp3", "Macintosh HD", ("STICK", "/:m/:")),
        ("/Volumes/STICK/a.mp3", "", ("STICK", "/:")),
        ("/home/ann/a.mp3", "", ("", "/:home/:ann/:")),
    ],
)
def test_traktor_names_the_disks_of_a_mac(path: str, volume: str, place: tuple[str, str], tmp_path: Path) -> None:
    """The system disk as the caller says, others as they are mounted; both come back."""
    export.write_traktor([export.ExportTrack(path)], tmp_path / "x.nml", playlist="P", volume=volume)
    text = (tmp_path / "x.nml").read_text()
    assert f'DIR="{place[1]}" FILE="a.mp3" VOLUME="{place[0]}"' in text
    found = export.read_traktor(tmp_path / "x.nml")
    assert found.tracks[0].path == path
    assert found.playlists == {"P": (0,)}


@pytest.mark.parametrize(
    ("tags", "artist", "title"),
    [
        (None, "Ben", "Two"),
        (Tags(artist="Benjamin"), "Benjamin", "Two"),
        (Tags(artist="Ann", title="One"), "Ann", "One"),
        (Tags(title="One"), "", "One"),
    ],
)
def test_files_without_tags_are_called_by_their_names(tags: Tags | None, artist: str, title: str) -> None:
    """As the tracks that a Watcher makes of them."""
    track = export.ExportTrack.from_analysis(analysis(tags=tags), "/music/03 - Ben - Two.mp3")
    assert (track.artist, track.title) == (artist, title)


def test_what_cannot_be_exported_is_said(tmp_path: Path) -> None:
    """An item of a batch that failed, and an analysis of an address."""
    with pytest.raises(UsageError, match=r"a\.mp3: there is no analysis"):
        export.ExportTrack.from_analysis(None, "a.mp3")
    with pytest.raises(UsageError, match="of this machine"):
        export.ExportTrack.from_analysis(analysis(source="https://example.com/a.mp3"))


def test_misuse_is_a_usage_error(tmp_path: Path) -> None:
    """Analyses are no tracks, samples have no path, notations are three."""
    with pytest.raises(UsageError):
        export.write_m3u8([analysis()], tmp_path / "x.m3u8")
    with pytest.raises(UsageError):
        export.ExportTrack.from_analysis(analysis(source=None))
    with pytest.raises(UsageError):
        export.write_rekordbox([], tmp_path / "x.xml", key_notation="traktor")
    with pytest.raises(UnreadableError):
        export.write_json([], tmp_path / "missing" / "x.json")


def test_unknown_answers_export_as_nothing(tmp_path: Path) -> None:
    """Silence has no tempo, key or grid, and is a valid track all the same."""
    track = export.ExportTrack.from_analysis(Analysis(1.0, 44100, 1, source="/s.wav"))
    assert (track.bpm, track.key, track.grid, track.cues, track.title) == (0.0, "", (), (), "s")
    for target, (write, read) in WRITERS.items():
        write([track], tmp_path / target)
        validate(tmp_path / target, target)
        assert read(tmp_path / target).tracks[0].beat_grid() is None


@given(written=st.lists(tracks, max_size=4))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_json_and_csv_round_trip(written: list[export.ExportTrack], tmp_path: Path) -> None:
    """JSON keeps everything; CSV all but grids and cues."""
    export.write_json(written, tmp_path / "x.json")
    assert list(export.read_json(tmp_path / "x.json").tracks) == written
    export.write_csv(written, tmp_path / "x.csv")
    assert list(export.read_csv(tmp_path / "x.csv").tracks) == [replace(t, grid=(), cues=()) for t in written]


def test_csv_does_not_carry_formulas(tmp_path: Path) -> None:
    """A tag that a spreadsheet would run is quoted in the file, and comes back as it was."""
    track = export.ExportTrack("/a.mp3", title='=HYPERLINK("x")', artist="'quoted")
    export.write_csv([track], tmp_path / "x.csv")
    assert "'=HYPERLINK" in (tmp_path / "x.csv").read_text()
    assert export.read_csv(tmp_path / "x.csv").tracks[0] == track


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_csv_comes_back_from_a_spreadsheet(delimiter: str, tmp_path: Path) -> None:
    """In many countries it separates by semicolons and writes commas in numbers."""
    row = delimiter.join(["path", "title", "bpm"]), delimiter.join(["/a.mp3", "One, two", "127,98"])
    (tmp_path / "x.csv").write_text("\ufeff" + "\r\n".join(row) + "\r\n")
    (track,) = export.read_csv(tmp_path / "x.csv").tracks
    assert (track.path, track.title, track.bpm) == ("/a.mp3", "One, two", 127.98)


def test_csv_keeps_line_breaks_within_a_row(tmp_path: Path) -> None:
    """A spreadsheet sees one row, and no formula at the start of another."""
    texts = ["A\rB", "Song\r=cmd|'/C calc'!A0", "two\r\nlines", "one\nmore", "'Round Midnight", "''twice", "-1"]
    written = [export.ExportTrack("/a.mp3", title=title) for title in texts]
    export.write_csv(written, tmp_path / "x.csv")
    assert [track.title for track in export.read_csv(tmp_path / "x.csv").tracks] == texts
    lines = (tmp_path / "x.csv").read_bytes().decode()
    assert lines.count('"') == 2 * 4
    export.write_csv(written[4:5], tmp_path / "y.csv", formulas=True)
    assert export.read_csv(tmp_path / "y.csv").tracks[0].title == "'Round Midnight"
    (tmp_path / "z.csv").write_text("path\n" + "x" * 200_000)
    with pytest.raises(CorruptError):
        export.read_csv(tmp_path / "z.csv")


def test_files_keep_their_permissions_and_links(tmp_path: Path) -> None:
    """A new file is as private as the process wants, an old one as it was; a link is written through."""
    before = os.umask(0o077)
    try:
        export.write_json([], tmp_path / "new.json")
    finally:
        os.umask(before)
    assert (tmp_path / "new.json").stat().st_mode & 0o777 == 0o600
    (tmp_path / "new.json").chmod(0o640)
    (tmp_path / "link.json").symlink_to("new.json")
    export.write_json([export.ExportTrack("/a.mp3")], tmp_path / "link.json")
    assert (tmp_path / "link.json").is_symlink()
    assert (tmp_path / "new.json").stat().st_mode & 0o777 == 0o640
    assert len(export.read_json(tmp_path / "new.json").tracks) == 1
    export.write_json([], tmp_path / f"{'x' * 250}.json")
    assert len(list(tmp_path.iterdir())) == 3


def test_every_marker_of_traktor_begins_a_bar(tmp_path: Path) -> None:
    """It counts bars from each marker; where a stretch has no first beat of a bar, its marker stays."""
    anchor = export.GridAnchor
    grid = (anchor(0.1, 120, 4, 1), anchor(20.6, 100, 4, 2), anchor(40.0, 60, 4, 2), anchor(41.0, 120, 4, 4))
    export.write_traktor([export.ExportTrack("/a.mp3", bpm=120, grid=grid)], tmp_path / "x.nml", offset_seconds=0)
    found = export.read_traktor(tmp_path / "x.nml", offset_seconds=0).tracks[0].grid
    assert [a.seconds for a in found] == pytest.approx([0.1, 22.4, 40.0, 41.5])


def test_rekordbox_holds_windows_shares(tmp_path: Path) -> None:
    """As a URL has them: without backslashes."""
    path = "\\\\nas\\share\\a b.mp3"
    export.write_rekordbox([export.ExportTrack(path)], tmp_path / "x.xml")
    assert "file://localhost//nas/share/a%20b.mp3" in (tmp_path / "x.xml").read_text()
    assert export.read_rekordbox(tmp_path / "x.xml").tracks[0].path == path


@pytest.mark.parametrize(
    "content",
    ["", "[]", "[" * 200_000, '{"tracks": 1}', '{"tracks": [1]}', "{", '{"tracks": [{"path": "x", "grid": 1}]}'],
)
def test_bad_json_is_an_error_of_ours(content: str, tmp_path: Path) -> None:
    """No traceback of another library for a file that is something else."""
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(CorruptError):
        export.read_json(tmp_path / "x.json")


def test_m3u8_of_others(tmp_path: Path) -> None:
    """Addresses are no files; URLs of files and drive letters are understood."""
    (tmp_path / "x.m3u8").write_text("http://radio/live\nfile:///m/a%20b.mp3\nC:\\Music\\x.mp3\nfile:///C:/y.mp3\n")
    found = export.read_m3u8(tmp_path / "x.m3u8")
    assert [track.path for track in found.tracks] == ["/m/a b.mp3", "C:\\Music\\x.mp3", "C:/y.mp3"]
    assert [skipped.path for skipped in found.skipped] == ["http://radio/live"]


def test_m3u8_round_trip_and_relative_paths(tmp_path: Path) -> None:
    """Names and whole seconds come back; line breaks in paths are refused, in titles made spaces."""
    listed = [
        export.ExportTrack(str(tmp_path / "a b.mp3"), title="One", artist="Ann", duration=61.0),
        export.ExportTrack(str(tmp_path / "#c\udcff.mp3"), title="no artist"),
        export.ExportTrack("/bad\nname.mp3"),
        export.ExportTrack(str(tmp_path / "d.mp3"), title="two\nlines", artist="X", duration=1.0),
    ]
    for relative in (False, True):
        done = export.write_m3u8(listed, tmp_path / "list.m3u8", relative=relative)
        assert [skipped.path for skipped in done.skipped] == ["/bad\nname.mp3"]
        found = export.read_m3u8(tmp_path / "list.m3u8").tracks
        assert [track.path for track in found] == [listed[0].path, listed[1].path, listed[3].path]
        assert [(t.artist, t.title, t.duration) for t in found] == [
            ("Ann", "One", 61.0),
            ("", "no artist", 0.0),
            ("X", "two lines", 1.0),
        ]
