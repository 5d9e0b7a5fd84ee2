"""The words that mark versions, noise and guests in music metadata, each in folded form (lower-case ASCII)."""

from __future__ import annotations

__all__ = [
    "ARTICLES",
    "AUDIO_SUFFIXES",
    "BARE",
    "COVER",
    "GUEST",
    "JOINERS",
    "NOBODY",
    "NOISE",
    "REMIX",
    "STAGE",
    "VERSION",
]

VERSION = frozenset(
    [
        "remix",
        "remixes",
        "remixed",
        "rmx",
        "mix",
        "edit",
        "live",
        "acoustic",
        "instrumental",
        "demo",
        "karaoke",
        "cover",
        "covered",
        "dub",
        "bootleg",
        "mashup",
        "orchestral",
        "orchestra",
        "unplugged",
        "session",
        "sessions",
        "extended",
        "reprise",
        "rework",
        "reworked",
        "remake",
        "acapella",
        "cappella",
        "sped",
        "slowed",
        "nightcore",
        "piano",
        "vip",
        "version",
        "interlude",
        "intro",
        "outro",
        "skit",
        "medley",
        "alternate",
        "alternative",
        "alt",
        "take",
        "rehearsal",
        "concert",
        "vivo",
        "directo",
        "public",
        "live89",
        "bbc",
        "lounge",
        "club",
        "radio",
        "12",
        "7",
        "inch",
        "dubplate",
        "flip",
        "refix",
        "redo",
        "tribute",
        "backing",
        "minus",
        "reverb",
        "chopped",
        "screwed",
        "lofi",
        "stripped",
        "symphonic",
        "vocal",
        "mixed",
        "megamix",
        "reimagined",
        "imagined",
    ]
)
"""Words that make another recording of a title."""

NOISE = frozenset(
    [
        "official",
        "video",
        "audio",
        "lyric",
        "lyrics",
        "hd",
        "hq",
        "4k",
        "1080p",
        "720p",
        "480p",
        "uhd",
        "remaster",
        "remastered",
        "remasterizado",
        "mono",
        "stereo",
        "explicit",
        "clean",
        "album",
        "single",
        "original",
        "youtube",
        "vevo",
        "visualizer",
        "visualiser",
        "visualizador",
        "clip",
        "videoclip",
        "promo",
        "wmv",
        "flv",
        "avi",
        "mpg",
        "mpeg",
        "mp4",
        "mov",
        "mkv",
        "full",
        "high",
        "quality",
        "bonus",
        "track",
        "deluxe",
        "edition",
        "music",
        "stream",
        "streaming",
        "download",
        "free",
        "new",
        "subtitled",
        "sub",
        "subtitles",
        "letra",
        "paroles",
        "traduction",
        "testo",
        "oficial",
        "officiel",
        "clipe",
        "official's",
        "vob",
        "divx",
        "320",
        "320kbps",
        "kbps",
        "128kbps",
        "192kbps",
        "256kbps",
        "flac",
        "mp3",
        "cdq",
        "dvd",
        "cd",
        "vinyl",
        "lp",
        "45rpm",
        "78rpm",
        "rpm",
        "amv",
        "version2",
        "newly",
        "digitally",
        "digital",
    ]
)
"""Words that say nothing about which recording it is."""

COVER = frozenset({"cover", "covers", "covered", "tribute", "coverversion"})
"""Words that say that the artist named beside them may be another one's."""

REMIX = frozenset(
    [
        *["remix", "remixes", "remixed", "rmx", "mix", "rework", "reworked", "bootleg", "mashup", "refix", "flip"],
        *["dubplate", "megamix", "dub", "vip", "reimagined", "imagined"],
    ]
)
"""Words by which somebody makes another recording of one."""

STAGE = frozenset({"live", "vivo", "directo", "concert", "unplugged", "live89"})
"""Words of what was played before people."""

BARE = frozenset(
    [
        *["acoustic", "instrumental", "karaoke", "acapella", "cappella", "demo", "nightcore", "slowed", "sped"],
        *["orchestral", "rehearsal", "backing", "unplugged"],
    ]
)
"""Words of a performance without some of what makes the known one, or otherwise clearly not that."""

NOBODY = frozenset({"various", "artists", "artist", "unknown", "va", "varios", "artistas"})
"""Words in the place of an artist that name nobody, when there are no others."""

GUEST = frozenset({"feat", "ft", "featuring", "feature", "feats", "fts"})
"""Words that open a list of guests."""

ARTICLES = frozenset({"the"})
"""Words that come and go at the edge of a name."""

JOINERS = frozenset({"and"})
"""Words between names, equal to ``&``."""

AUDIO_SUFFIXES = frozenset(
    [
        "mp3",
        "flac",
        "wav",
        "wave",
        "ogg",
        "oga",
        "opus",
        "m4a",
        "m4b",
        "mp4",
        "aac",
        "wma",
        "aiff",
        "aif",
        "aifc",
        "ape",
        "wv",
        "mka",
        "webm",
        "mkv",
        "mov",
        "avi",
        "flv",
        "wmv",
        "mpg",
        "mpeg",
        "mpc",
        "alac",
        "dsf",
        "dff",
        "au",
        "caf",
        "amr",
        "3gp",
        "ac3",
        "dts",
        "tta",
        "mid",
        "midi",
        "vob",
        "divx",
        "m4v",
        "ts",
    ]
)
"""File name endings of audio and video."""
