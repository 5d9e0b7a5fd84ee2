"""Makes questions out of rows of metadata the way people, video sites and rippers do; own rules, seeded."""

from __future__ import annotations

import random
import re
import string
import unicodedata

from anyascii import anyascii

GROUPS = ["ftd", "wax", "bpm", "enslave", "ute", "dgn", "c4", "mtd", "rns", "pms"]
NOISE = [
    "(Official Video)",
    "(Official Music Video)",
    "[Official Audio]",
    "(Lyrics)",
    "(Lyric Video)",
    "HD",
    "HQ",
    "(Audio)",
    "[HQ]",
    "(HD)",
    "lyrics",
    "- Remastered 2011",
    "(2009 Remaster)",
    "(Album Version)",
    "(Full Song)",
    "(1965)",
    "1972",
    "[Audio Stream]",
    "(Official Promo)",
    ".wmv",
    ".flv",
    "w/ lyrics",
    "(with lyrics)",
    "Official",
    "4K",
    "(Remastered)",
    "- Single Version",
    "(original)",
    "(45 rpm)",
    "on TV 1968",
    "from the album",
]
VERSIONS = [
    "(Live)",
    "- Live",
    "(Acoustic)",
    "(Remix)",
    "(Cover)",
    "live",
    "(Instrumental)",
    "(Karaoke Version)",
    "(Demo)",
    "- Radio Edit",
]


def typo(text: str, n: int, rng: random.Random) -> str:
    letters = list(text)
    for _ in range(n):
        if len(letters) < 3:
            break
        at = rng.randrange(len(letters) - 1)
        kind = rng.random()
        if kind < 0.25:
            letters[at], letters[at + 1] = letters[at + 1], letters[at]
        elif kind < 0.5:
            del letters[at]
        elif kind < 0.75:
            letters.insert(at, rng.choice(string.ascii_lowercase))
        else:
            letters[at] = rng.choice(string.ascii_lowercase)
    return "".join(letters)


def drop_word(text: str, rng: random.Random) -> str:
    words = text.split()
    if len(words) > 1:
        del words[rng.randrange(len(words))]
    return " ".join(words)


def bare(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)).lower()


def the_and(text: str, rng: random.Random) -> str:
    if text.lower().startswith("the "):
        text = text[4:] + ", The" if rng.random() < 0.5 else text[4:]
    elif rng.random() < 0.2:
        text = "The " + text
    return text.replace(" & ", " and ") if " & " in text else re.sub(r" and ", " & ", text, flags=re.IGNORECASE)


def version(text: str, rng: random.Random) -> str:
    if " - " in text:
        head, tail = text.rsplit(" - ", 1)
        return rng.choice([f"{head} ({tail})", f"{head} [{tail}]", f"{head} {tail}"])
    match = re.search(r"\(([^()]*)\)$", text)
    if match:
        head = text[: match.start()].rstrip()
        return rng.choice([f"{head} - {match.group(1)}", f"{head} [{match.group(1)}]", f"{head} {match.group(1)}"])
    return text


def slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9()&'.,-]+", "_", text)


def flat(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9-]", "_", text)


def fields(title: str, artist: str, others: list[str], rng: random.Random) -> tuple[str, str]:
    """Corrupt a title and artist by one to three mishaps."""
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        kind = rng.randrange(12)
        if kind == 0:
            title, artist = rng.choice(
                [(title.lower(), artist.lower()), (title.upper(), artist.lower()), (title.title(), artist.upper())]
            )
        elif kind in {1, 2}:
            n = rng.choice([1, 1, 2, 3])
            title, artist = typo(title, n, rng), typo(artist, rng.choice([0, 1, n]), rng)
        elif kind == 3:
            title, artist = (drop_word(title, rng), artist) if rng.random() < 0.5 else (title, drop_word(artist, rng))
        elif kind == 4:
            title, artist = drop_word(title, rng), drop_word(artist, rng)
        elif kind == 5:
            guest = f" {rng.choice(['feat.', 'ft', 'featuring', 'ft.'])} {rng.choice(others)}"
            place = rng.randrange(3)
            title, artist = [(title + guest, artist), (title, artist + guest), (f"{title} ({guest.strip()})", artist)][
                place
            ]
        elif kind == 6:
            title = f"{title} {rng.choice(NOISE)}"
        elif kind == 7:
            title, artist = anyascii(bare(title)), anyascii(bare(artist))
        elif kind == 8:
            title, artist = the_and(title, rng), the_and(artist, rng)
        elif kind == 9:
            title = version(title, rng)
        elif kind == 10 and "," in artist:
            artist = artist.split(",")[0]
        elif kind == 11 and len(artist.split()) == 2 and rng.random() < 0.3:
            artist = ", ".join(reversed(artist.split())) if rng.random() < 0.5 else " ".join(reversed(artist.split()))
    return title, artist


def shorter_credit(artist: str, rng: random.Random) -> str:
    """Often only the leader is named."""
    if rng.random() < 0.5:
        artist = re.split(r" (?:and|&|with) (?:his|her|the|their) ", artist, flags=re.IGNORECASE)[0]
    if rng.random() < 0.25:
        artist = re.split(r" (?:feat\.?|ft\.?|with|/) |, | & | and ", artist)[0]
    return artist


def question(
    title: str, artist: str, album: str, others: list[str], rng: random.Random, rival: str | None = None
) -> dict[str, str | None]:
    """One question about a row: keyword arguments of `parse_query`.

    With a `rival`, who has a song of the same name, it is the title of a video.
    """
    kind = rng.random() if rival is None else 1.0
    artist = shorter_credit(artist, rng)
    if rng.random() < 0.1:
        title = re.split(r" [(\[]|, | / | - ", title)[0]
    if rival is None and rng.random() < 0.05:
        return {"text": title if rng.random() < 0.7 else f"{title} {rng.choice(NOISE)}"}
    if kind < 0.4:
        title, artist = fields(title, artist, others, rng)
        if rng.random() < 0.12:
            title, artist = artist, title
        if rng.random() < 0.5:
            return {"text": f"{artist} {title}" if rng.random() < 0.8 else f"{title} {artist}"}
        return {"title": title, "artist": artist, "album": album if album and rng.random() < 0.2 else None}
    if kind < 0.6:
        if rng.random() < 0.4:
            title, artist = fields(title, artist, others, rng)
        number = f"{rng.randrange(1, 25):02d}"
        if rng.random() < 0.4:
            stem = f"{number}-{slug(artist).lower()}_-_{slug(title).lower()}-{rng.choice(GROUPS)}"
        else:
            stem = rng.choice(
                [
                    "{n} - {a} - {t}",
                    "{a} - {t}",
                    "{t} - {a}",
                    "{n}. {a} - {t}",
                    "{a} - {n} - {t}",
                    "{n} {t} - {a}",
                    "{a} - {t} {x}",
                ]
            ).format(n=number, a=artist, t=title, x=rng.choice(NOISE))
        return {"text": f"{stem}.{rng.choice(['mp3', 'flac', 'm4a', 'mp4', 'ogg'])}"}
    if kind < 0.75:
        if rng.random() < 0.2:
            title, artist = fields(title, artist, others, rng)
        number = f"{rng.randrange(1, 20):02d}"
        folder = album or rng.choice(["Greatest Hits", "Unknown Album", "Best Of", rng.choice(others)])
        if rng.random() < 0.6:
            stem = f"{flat(artist).lower()} / {flat(folder)} / {number}-{flat(title)}.mp3"
        else:
            stem = rng.choice(
                [
                    "{a}/{l}/{n} {t}.mp3",
                    "{a}/{l}/{n} - {t}.flac",
                    "{a} - {l}/{n} - {t}.mp3",
                    "Music/{a}/{l}/{n}. {a} - {t}.m4a",
                    "{a}\\{l}\\{t}.mp3",
                ]
            ).format(a=artist, l=folder, n=number, t=title)
        return {"text": stem}
    if rng.random() < 0.35:
        title, artist = fields(title, artist, others, rng)
    return {"text": video(title, artist, rival or rng.choice(others), covered=rival is not None, rng=rng)}


PLAIN = [
    *["{a} - {t}"] * 6,
    *["{t} - {a}"] * 3,
    '{a} "{t}"',
    "{a} – {t}",
    "{a}- {t}",
    "{a}: {t}",
    "{t} by {a}",
    "{a} {t}",
    "{t} {a}",
    "{a} sings {t}",
    "{t} ({a})",
    "{a} -- {t}",
    "{a} / {t}",
    "{t}",
    "{a} ({t})",
]
COVERS = [
    *["{a} - {t} ({o} cover)"] * 3,
    *["{a} - {t} [{o} cover]"] * 2,
    "{a} - {t} ({x} {o} cover)",
    "{a} - {t} ({o})",
    "{a} - {t} (cover of {o})",
    "{a} - {t} (originally by {o})",
    "{a} - {t} by {o}",
    "{t} ({o} cover) - {a}",
    "{t} ({x} {o} cover) - {a}",
    '{a} cover of "{t}" by {o}',
    "{a} covers {t} by {o}",
    "{a} - {t} (from {o})",
    "{a} - {t} ({o} cover {p})",
    "{a} - {t} ({o} cover) {p}",
    "{a} covers {t} ({o}) {p}",
    "{t} ({o} cover) by {a} {p}",
    "{t} - {x} cover | {a}",
    "{t} | {o} cover | {a}",
    "{o} - {t} | {x} cover by {a}",
    "{o} - {t} - {a} cover ({p})",
    "{a} | {t} | {o}",
    "{t} - {o} (cover by {a})",
    "{t} - {o} ({a} cover)",
    "{t} - {o} ({a} {x} cover)",
    "{t} - {o} | {a} cover",
    "{t} - {o} {x} cover by {a}",
    "{t} - {a} [{o}]",
    "{o} - {t} ({a} cover)",
    "{o} - {t} ({a} {x} cover)",
    "{o} - {t} ({a})",
    "{o} - {t} - {a} cover",
    "{o} - {t} - {a}",
    "{o} - {t} (covered by {a})",
    "{o} - {t} ({a} remix)",
    "{o} - {t} - {a} {x} remix",
    "{o} - {t} ({a} {x} version)",
    "{o} - {t} ({a} - reworked)",
]
"""With the artist whose song it is. In a few the performer is named last, as the world does it, too."""
PLACES = [
    "in the Radio Lounge",
    "in the studio",
    "at the Royal Hall",
    "at Home",
    "on BBC Radio",
    "on the Late Show",
    "live in session",
    "for Studio Sessions",
    "from the Basement",
    "in Paris",
]
"""Where a cover was played."""


def initialism(artist: str) -> str:
    """``RATM`` for Rage Against the Machine; names of less than three words stay."""
    words = artist.split()
    return "".join(word[0] for word in words).upper() if 3 <= len(words) <= 6 and artist.isascii() else artist


def video(title: str, artist: str, other: str, *, covered: bool, rng: random.Random) -> str:
    """Title of a video; `other` is the artist whom the song is from when it is `covered`, else anybody."""
    shape = rng.choice(COVERS if rng.random() < (0.8 if covered else 0.35) else PLAIN)
    how = rng.choice(["acoustic", "live", "piano", "metal", "unplugged", "a cappella"])
    if rng.random() < 0.08:
        artist = initialism(artist)
    text = shape.format(a=artist, t=title, o=other, x=how, p=rng.choice(PLACES))
    if rng.random() < 0.4:
        text += f" {rng.choice(NOISE + VERSIONS[:2])}"
    if rng.random() < 0.1:
        text = text.lower() if rng.random() < 0.5 else text.upper()
    return text


UNNAMED = [
    *["{x} - {t}"] * 3,
    *["{t} - {x}"] * 2,
    "{t} ({x})",
    "{t} | {x}",
    "{x}: {t}",
    "{t} [{x}] {y}",
    "{x} - {y} - {t}",
    "{x} {t}",
    "{t} by {x}",
    "{t} ({x} {v})",
    "{x} - {t} ({v})",
    "Soundtrack - {y} - {t}",
    "{y} Soundtrack - {t}",
    "{t} - {y} (Soundtrack)",
    "{n} {t} ({y})",
    "{t} {v} version",
    "{t} - {v} cover | {x}",
    "{t}",
]
"""A channel, a film, a role, a player instead of the artist."""


def unnamed(title: str, artist: str, channel: str, film: str, rng: random.Random) -> dict[str, str | None]:
    """A video or file that says nothing of the artist, or nothing else."""
    if rng.random() < 0.15:
        return {"text": artist if rng.random() < 0.5 else f"{artist} {rng.choice(NOISE)}"}
    style = rng.choice(["acoustic", "live", "piano", "rock", "bluegrass", "a cappella", "jazz", "guitar", "live show"])
    if rng.random() < 0.2:
        title = typo(title, 1, rng)
    text = rng.choice(UNNAMED).format(t=title, x=channel, y=film, v=style, n=f"{rng.randrange(1, 20):02d}")
    return {"text": f"{text} {rng.choice(NOISE)}" if rng.random() < 0.3 else text}
