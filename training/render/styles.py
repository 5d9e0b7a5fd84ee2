"""What the composed music is made of: rhythm patterns and habits of about fifty kinds of music.

Patterns have one character per step: `x` almost always, `o` every second time, `-` now and then. Steps per beat: 4, or 3 for triplet feels.
"""

# Drum patterns per bar of 4/4 (16 steps) unless the style says otherwise: instrument -> alternatives.
EIGHTH, SIXTEENTH, QUARTER, OFF = "x.x.x.x.x.x.x.x.", "xoxoxoxoxoxoxoxo", "x...x...x...x...", "..x...x...x...x."
BACK = ["....x.......x...", "....x..-....x..-", "....x..-.-..x...", "....x.......x.-o"]
FOUR = [QUARTER, "x...x...x...x..-", "x...x...x...x.o."]
ROCK = [
    "x.......x.......",
    "x.....x.x.......",
    "x.x.....x.x.....",
    "x..x....x..x....",
    "x.......x.x...o.",
    "x......xx.......",
    "x..x..x...x.....",
    "x.......xx......",
]
BROKEN = ["x.........x.....", "x..x......x.....", "x.....x...x..o..", "x.x.......xx....", "x..o...o..x..-o."]
SLOW = ["x..o..o.x.x.....", "x......xx.o.....", "x..x...o..x...-.", "x.....x...x...o.", "xo.....o..x....."]

# name: (tempo low, high, weight, steps per beat, beats per bar, swing, drums, bass kinds, chord kinds, lead density, families, tempo curve)
# tempo curve: c constant, d drifting like a live band, r rubato
# fmt: off
STYLES = {
    "rock": (90, 150, 4, 4, 4, 0, {"kick": ROCK, "snare": BACK, "hat": [EIGHTH, EIGHTH, QUARTER, SIXTEENTH]}, "e8 kick root", "strum power pad", 0.5, "guitar", "ccd"),
    "hardrock": (110, 190, 3, 4, 4, 0, {"kick": ROCK, "snare": BACK, "ride": [QUARTER, EIGHTH]}, "e8 kick", "power power strum", 0.4, "guitar", "ccd"),
    "metal": (100, 200, 2, 4, 4, 0, {"kick": ["xxxxxxxxxxxxxxxx", "x.xxx.xxx.xxx.xx", "xx.xx.xx.xx.xx.x", EIGHTH], "snare": BACK, "ride": [QUARTER, EIGHTH]}, "e16 kick e8", "power power", 0.4, "guitar", "cc"),
    "punk": (150, 210, 2, 4, 4, 0, {"kick": ["x.......x.......", "x.....x.x.......", "x.......x.x....."], "snare": BACK[:1], "hat": [QUARTER, EIGHTH]}, "e8", "power strum", 0.4, "guitar", "cd"),
    "house": (115, 132, 4, 4, 4, 0, {"kick": FOUR, "clap": BACK[:1], "open": [OFF], "hat": [SIXTEENTH, OFF, EIGHTH, "................"]}, "off sync e8", "stab pad sync", 0.3, "synth", "c"),
    "deephouse": (112, 126, 2, 4, 4, 0.1, {"kick": FOUR, "clap": BACK, "open": [OFF], "perc": ["..o..x..o..x..o.", "o..x..o...x.o..."]}, "sync off", "stab sync pad", 0.2, "synth", "c"),
    "techno": (122, 145, 3, 4, 4, 0, {"kick": FOUR[:1], "hat": [OFF, SIXTEENTH], "clap": [*BACK[:1], "................"], "perc": ["o.-o..o.-..o..o.", "...x..x...x..x.."]}, "e16 off sync", "stab arp none", 0.1, "synth", "c"),
    "trance": (128, 145, 3, 4, 4, 0, {"kick": FOUR[:1], "clap": BACK[:1], "open": [OFF], "hat": [SIXTEENTH, OFF]}, "off roll e16", "pad arp arp stab", 0.4, "synth", "c"),
    "hardcore": (150, 200, 2, 4, 4, 0, {"kick": FOUR, "clap": [*BACK[:1], "................"], "open": [OFF]}, "off roll", "stab arp pad", 0.6, "synth", "c"),
    "edm": (122, 130, 2, 4, 4, 0, {"kick": FOUR[:1], "clap": BACK[:1], "hat": [OFF, EIGHTH]}, "e8 off root", "stab pad sync", 0.5, "synth", "c"),
    "dnb": (160, 182, 4, 4, 4, 0, {"kick": BROKEN, "snare": BACK, "hat": [EIGHTH, SIXTEENTH, QUARTER]}, "root sync kick", "pad stab arp", 0.3, "synth", "c"),
    "breakbeat": (110, 145, 3, 4, 4, 0.05, {"kick": ["x..o..x...xo....", "x.x...o...x..x..", "x.....x..xx....."], "snare": ["....x..o.o..x..o", "....x.......x..-"], "hat": [EIGHTH, SIXTEENTH]}, "sync kick root", "stab pad", 0.3, "synth", "c"),
    "jungle": (155, 175, 1, 4, 4, 0, {"kick": ["x.x.......xx....", "x.x......o.x...."], "snare": ["....x..x.x..x..x", "....x..x.x....x."], "hat": [EIGHTH]}, "root sync", "pad stab", 0.2, "synth", "c"),
    "hiphop": (78, 105, 4, 4, 4, 0.2, {"kick": SLOW, "snare": BACK, "hat": [EIGHTH, SIXTEENTH]}, "kick sync root", "pad stab sync block", 0.4, "any", "c"),
    "trap": (62, 80, 2, 8, 4, 0, {"kick": ["x.....o.....o...x...o.....x.....", "x...........x.........x.....o..."], "snare": ["........x...............x......."], "hat": ["x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.x.", "x.x.x.x.xxxxx.x.x.x.x.x.xoxox.x.", "x...x...x...x...x...x...x.x.xxxx"]}, "kick root", "pad arp stab", 0.3, "synth", "c"),
    "dubstep": (138, 145, 1, 4, 4, 0, {"kick": ["x.........o.....", "x.....o........."], "snare": ["........x......."], "hat": [EIGHTH, QUARTER]}, "sync e8", "pad stab", 0.2, "synth", "c"),
    "synthwave": (80, 120, 2, 4, 4, 0, {"kick": FOUR + ROCK[:1], "snare": BACK[:1], "hat": [EIGHTH, SIXTEENTH]}, "e8 e16", "pad arp", 0.4, "synth", "c"),
    "synthpop": (100, 150, 3, 4, 4, 0, {"kick": FOUR + ROCK, "snare": BACK, "hat": [EIGHTH, SIXTEENTH, OFF]}, "e8 off octave", "pad arp stab", 0.5, "synth", "c"),
    "chiptune": (110, 200, 5, 4, 4, 0, {"kick": ROCK + FOUR, "snare": BACK, "hat": [EIGHTH, SIXTEENTH, QUARTER]}, "e8 octave root e16", "arp fastarp none", 0.8, "chip", "c"),
    "chipfast": (150, 230, 2, 4, 4, 0, {"kick": ROCK[:4] + FOUR, "snare": BACK[:2], "hat": [QUARTER, EIGHTH]}, "e8 octave q", "arp none stab", 0.7, "chip", "c"),
    "game": (90, 190, 4, 4, 4, 0, {"kick": ROCK + FOUR, "snare": BACK, "hat": [EIGHTH, SIXTEENTH, QUARTER]}, "e8 kick q octave", "arp strum pad sync", 0.7, "any", "c"),
    "funky_game": (120, 190, 3, 4, 4, 0, {"kick": [*ROCK, "x..x..x.x..x..x.", "x.x..x..x.x..x.."], "snare": BACK, "hat": [EIGHTH, SIXTEENTH]}, "sync kick octave", "stab sync strum", 0.6, "any", "c"),
    "disco": (105, 132, 2, 4, 4, 0, {"kick": FOUR, "snare": BACK[:1], "open": [OFF], "hat": [SIXTEENTH, EIGHTH]}, "octave e8 sync", "strum sync pad", 0.5, "any", "cd"),
    "funk": (90, 122, 3, 4, 4, 0.06, {"kick": ["x.x....x..x.....", "x..x..o...xo....", "x.....x.x..x...."], "snare": ["....x..-.-..x..-", "....x..o.o..x..-"], "hat": [SIXTEENTH, EIGHTH]}, "sync kick", "sync stab", 0.4, "any", "cd"),
    "pop": (85, 130, 5, 4, 4, 0, {"kick": ROCK + FOUR, "snare": BACK, "hat": [EIGHTH, SIXTEENTH, QUARTER]}, "kick e8 root", "strum pad block arp", 0.6, "any", "ccd"),
    "ballad": (55, 84, 4, 4, 4, 0, {"kick": ROCK, "snare": BACK, "hat": [EIGHTH, SIXTEENTH, EIGHTH]}, "root kick", "block arp arp8 pad", 0.5, "soft", "cd"),
    "soul12": (50, 76, 2, 3, 4, 0, {"kick": ["x.....x.....", "x....xx.....", "x..o..x.o..."], "snare": ["...x.....x.."], "hat": ["xxxxxxxxxxxx", "x.xx.xx.xx.x"]}, "root walk", "block arp8 strum", 0.5, "soft", "cd"),
    "reggae": (62, 90, 2, 4, 4, 0.12, {"kick": ["........x.......", "x...x...x...x...", "x.......x......."], "snare": ["........x.......", "........x.....-."], "hat": [EIGHTH, "..x...x...x...x."]}, "sync root", "off off", 0.4, "any", "cd"),
    "ska": (120, 165, 1, 4, 4, 0, {"kick": ["x.......x.......", QUARTER], "snare": BACK[:1], "hat": [OFF, EIGHTH]}, "walk e8", "off", 0.5, "any", "cd"),
    "shuffle": (85, 145, 2, 3, 4, 0, {"kick": ["x.....x.....", "x..x..x..x..", "x....xx....."], "snare": ["...x.....x.."], "ride": ["x.xx.xx.xx.x"]}, "walk e8 root", "block strum", 0.5, "guitar", "cd"),
    "swing": (100, 230, 4, 3, 4, 0, {"ride": ["x..x.xx..x.x", "x..x.xx..x.x", "x..x..x..x.x"], "foot": ["...x.....x.."], "snare": ["..o..-..o..-", "-....o..-..."], "kick": ["-..-..-..-..", "............"]}, "walk", "comp comp none", 0.7, "jazz", "cdd"),
    "jazzballad": (52, 80, 1, 3, 4, 0, {"ride": ["x..x.xx..x.x", "x..x..x..x.."], "foot": ["...x.....x.."]}, "root walk", "comp block", 0.5, "jazz", "dr"),
    "jive": (150, 178, 2, 3, 4, 0, {"kick": ["x.....x.....", "x..x..x..x.."], "snare": ["...x.....x..", "...x.-...x.-"], "ride": ["x..x.xx..x.x", "x.xx.xx.xx.x"]}, "walk", "off block comp", 0.6, "jazz", "c"),
    "quickstep": (192, 210, 2, 3, 4, 0, {"ride": ["x..x.xx..x.x"], "kick": ["x.....x.....", "x..x..x..x.."], "foot": ["...x.....x.."], "snare": ["...-..-..x..", "...x.....x.."]}, "q walk", "off comp", 0.6, "jazz", "c"),
    "foxtrot": (110, 126, 1, 3, 4, 0, {"ride": ["x..x.xx..x.x"], "kick": ["x.....x....."], "snare": ["...x.....x.."]}, "q walk root", "off comp", 0.6, "jazz", "c"),
    "chacha": (108, 128, 2, 4, 4, 0, {"kick": ["x.......x.......", "....x.......x.x."], "bell": [QUARTER, "x.x.x.x.x.x.x.x."], "perc": ["x...x.x.x...x.x.", "x.x.x.x.x.x.x.x."], "tom": ["............x.x.", "......x.....x.x."]}, "tumbao sync", "sync block", 0.5, "latin", "c"),
    "rumba": (92, 110, 2, 4, 4, 0, {"clave": ["x..x..x...x.x...", "..x.x...x..x..x."], "perc": [SIXTEENTH, EIGHTH], "tom": ["..x...xx..x...xx"], "kick": ["x.......x......."]}, "tumbao root", "arp8 block sync", 0.5, "latin", "c"),
    "salsa": (160, 220, 1, 4, 4, 0, {"clave": ["x..x..x...x.x...", "..x.x...x..x..x."], "bell": [EIGHTH, QUARTER], "tom": ["......x...x.x..."], "perc": [EIGHTH]}, "tumbao", "sync", 0.5, "latin", "c"),
    "bossa": (110, 150, 1, 4, 4, 0, {"kick": ["x..xx..xx..xx..x"], "clave": ["x..x..x...x..x.."], "hat": [EIGHTH, SIXTEENTH]}, "tumbao root", "sync block", 0.5, "latin", "cd"),
    "samba": (92, 108, 2, 4, 4, 0, {"kick": ["x..xx..xx..xx..x", "....x..-....x..-"], "perc": [SIXTEENTH, "xoxxxoxxxoxxxoxx"], "tom": ["....x.......x..."], "bell": ["x.x..x.x.x..x.xx"]}, "sync root", "sync strum", 0.5, "latin", "c"),
    "tango": (110, 134, 2, 4, 4, 0, {"snare": ["............x.x.", "................"]}, "q habanera", "march march habanera", 0.6, "orch", "cd"),
    "habanera": (60, 100, 1, 4, 2, 0, {"perc": ["x..xx.x."]}, "habanera", "block", 0.6, "latin", "cd"),
    "reggaeton": (88, 104, 2, 4, 4, 0, {"kick": [QUARTER], "snare": ["...x..x....x..x."], "hat": [EIGHTH]}, "kick root", "stab pad sync", 0.4, "synth", "c"),
    "afro": (98, 122, 2, 4, 4, 0, {"kick": [*FOUR, "x..x..x.x..x..x."], "clave": ["x..x..x...x.x..."], "perc": [SIXTEENTH, "..xx..xx..xx..xx"], "snare": ["...x..x....x..x.", "................"]}, "sync off", "sync stab", 0.4, "any", "c"),
    "waltz": (80, 96, 3, 4, 3, 0, {"kick": ["x..........."], "snare": ["....x...x...", "............"], "hat": ["x...x...x..."]}, "root", "waltz", 0.6, "orch", "cd"),
    "viennese": (165, 186, 3, 4, 3, 0, {"kick": ["x..........."], "snare": ["....x...x..."]}, "root", "waltz", 0.5, "orch", "cd"),
    "waltzrock": (90, 160, 2, 4, 3, 0, {"kick": ["x...........", "x.....x....."], "snare": ["....x...x...", "........x...", "......x....."], "hat": ["x.x.x.x.x.x.", "x...x...x..."]}, "root kick", "arp8 strum waltz", 0.5, "any", "cd"),
    "sixeight": (46, 84, 3, 3, 2, 0, {"kick": ["x.....", "x..-.o", "x....o"], "snare": ["...x.."], "hat": ["xxxxxx", "x..x.."]}, "root kick", "arp8 strum block", 0.6, "soft", "cd"),
    "jig": (70, 132, 3, 3, 2, 0, {"kick": ["x.....", "x..x.."], "snare": ["...x..", "..x..x"], "perc": ["x.xx.x", "xxxxxx"]}, "root q", "jig block strum", 1.0, "folk", "cd"),
    "reel": (80, 125, 3, 4, 4, 0, {"kick": [QUARTER, "x.......x......."], "snare": ["....x.......x...", OFF], "perc": [SIXTEENTH]}, "q root", "off block strum", 1.2, "folk", "cd"),
    "hornpipe": (70, 110, 1, 3, 4, 0, {"kick": ["x.....x....."], "perc": ["x.xx.xx.xx.x"]}, "q root", "off block", 1.0, "folk", "cd"),
    "polka": (100, 140, 2, 4, 2, 0, {"kick": ["x...x..."], "snare": ["..x...x."]}, "q", "off", 0.7, "folk", "cd"),
    "march": (98, 126, 2, 4, 2, 0, {"kick": ["x...x...", "x......."], "snare": ["x.xxx.xx", "..x...x.", "x.x.x.xx"], "cymbal": ["x...x...", "x......."]}, "q", "off block march", 0.7, "orch", "cd"),
    "country": (90, 130, 2, 4, 4, 0, {"kick": ["x.......x......."], "snare": ["..x.x.x...x.x.xx", "....x.......x...", "xoxoxoxoxoxoxoxo"], "hat": [EIGHTH]}, "root q walk", "off strum", 0.6, "folk", "cd"),
    "folk": (75, 140, 3, 4, 4, 0, {"perc": ["x...x...x...x...", "x.x.x.x.x.x.x.x."]}, "root q", "strum arp8 strum", 0.6, "folk", "dr"),
    "folk3": (80, 150, 2, 4, 3, 0, {"perc": ["x...x...x...", "x..........."]}, "root q", "strum waltz arp8", 0.6, "folk", "dr"),
    "five": (95, 180, 1, 4, 5, 0, {"kick": ["x.....x.....x.......", "x.........x.x......."], "snare": ["....x.......x...", "........x.......x..."], "hat": ["x.x.x.x.x.x.x.x.x.x."]}, "root kick q", "block sync", 0.5, "any", "c"),
    "orchestral": (60, 150, 3, 4, 4, 0, {"tom": ["x.......x.......", "x.......x...x.x."], "cymbal": ["x..............."]}, "root q e8", "block arp8 pad march", 0.6, "orch", "ddr"),
    "ambient": (60, 120, 1, 4, 4, 0, {}, "root", "pad arp8", 0.3, "soft", "c"),
    "piano_pop": (60, 130, 3, 4, 4, 0, {}, "root q", "arp8 block arp strum", 0.6, "piano", "dr"),
    "piano_fast": (100, 180, 2, 4, 4, 0, {}, "q octave e8", "off arp sync", 0.8, "piano", "cdr"),
    "ragtime": (80, 110, 1, 4, 2, 0, {}, "q", "off", 1.2, "piano", "cd"),
    "alberti": (90, 160, 3, 4, 4, 0, {}, "none root", "alberti alberti arp8", 0.8, "piano", "ddr"),
    "alberti3": (90, 160, 2, 4, 3, 0, {}, "none root", "alberti3 waltz arp8", 0.8, "piano", "drr"),
    "nocturne": (44, 90, 3, 3, 4, 0, {}, "root", "arp8 block", 0.6, "piano", "rr"),
    "prelude": (50, 110, 3, 4, 4, 0, {}, "none root", "arp prelude", 0.15, "piano", "drr"),
    "prelude3": (50, 110, 2, 4, 3, 0, {}, "none", "arp prelude", 0.2, "piano", "drr"),
    "romantic": (60, 150, 2, 3, 2, 0, {}, "root", "arp8 block", 0.8, "piano", "rr"),
    "fugue": (55, 120, 3, 4, 4, 0, {}, "none", "none", 0, "voices", "ddr"),
    "fugue3": (60, 130, 1, 4, 3, 0, {}, "none", "none", 0, "voices", "ddr"),
    "chorale": (50, 100, 2, 4, 4, 0, {}, "none", "chorale", 0, "voices", "dr"),
    "pianowaltz": (90, 200, 2, 4, 3, 0, {}, "root", "waltz", 0.7, "piano", "drr"),
    "piano_game": (95, 200, 8, 4, 4, 0, {}, "q octave e8 sync root", "off arp sync none arp8 block", 0.8, "piano", "c"),
    "piano_game3": (100, 200, 2, 4, 3, 0, {}, "root q", "waltz arp8 arp", 0.7, "piano", "c"),
    "piano_swing": (100, 200, 1, 3, 4, 0, {}, "walk q", "off comp block", 0.8, "piano", "cd"),
    "piano_ballad": (60, 110, 3, 4, 4, 0, {}, "root q", "arp8 arp8 block pad", 0.6, "piano", "ddr"),
    "tune44": (84, 150, 8, 4, 4, 0, {}, "root q none", "block pad strum off none", 1.1, "folk", "c"),
    "tune34": (90, 170, 5, 4, 3, 0, {}, "root none", "block waltz pad none", 1.0, "folk", "c"),
    "tune68": (62, 125, 6, 3, 2, 0, {}, "root q none", "block pad jig none", 1.1, "folk", "c"),
    "tune24": (84, 130, 2, 4, 2, 0, {}, "root q", "off block pad", 1.2, "folk", "c"),
    "strings": (56, 150, 2, 4, 4, 0, {}, "q root e8", "arp8 block march chorale", 0.7, "orch", "drr"),
    "triplets": (44, 110, 2, 3, 4, 0, {}, "root", "arp arp8 prelude", 0.4, "piano", "drr"),
    "metronome": (40, 225, 1, 4, 4, 0, {"bell": [QUARTER], "clave": [QUARTER, "................", "x..............."], "hat": ["................", EIGHTH]}, "none", "none", 0, "any", "c"),
    "simple": (60, 185, 14, 4, 4, 0, {"kick": ["x.......x.......", QUARTER, "x.......x......."], "snare": BACK[:1], "hat": [EIGHTH, QUARTER, "................", EIGHTH]}, "root q none e8", "pad block none pad", 0.4, "any", "ccd"),
    "simple_house": (100, 150, 6, 4, 4, 0, {"kick": [QUARTER], "snare": [*BACK[:1], "................"], "hat": [EIGHTH, OFF, QUARTER, "................"]}, "root q off none", "pad block stab none", 0.4, "synth", "c"),
    "simple3": (80, 180, 3, 4, 3, 0, {"kick": ["x..........."], "snare": ["....x...x...", "............"], "hat": ["x.x.x.x.x.x.", "x...x...x...", "............"]}, "root q none", "pad block waltz none", 0.4, "any", "cd"),
    "simple_half": (60, 90, 3, 4, 4, 0, {"kick": ["x.......x......."], "snare": BACK[:1], "hat": [SIXTEENTH, EIGHTH, SIXTEENTH]}, "root q e8", "pad block arp", 0.6, "any", "cd"),
    "drums": (60, 200, 7, 4, 4, 0, {"kick": ROCK + FOUR + BROKEN + SLOW, "snare": BACK, "hat": [EIGHTH, SIXTEENTH, QUARTER]}, "none", "none", 0, "any", "cd"),
}
# fmt: on

# Alternative families of timbres: role -> General MIDI programs, or names of synthesised patches.
PIANO = [0, 0, 1, 2, 3, 4, 5]
FAMILIES = {
    "guitar": {
        "bass": [33, 34, 35, 32],
        "chords": [27, 28, 29, 30, 29, 30, 25],
        "lead": [29, 30, 27, "voice", "voice", 18, 80],
    },
    "synth": {
        "bass": [38, 39, "saw", "square", "sub", "saw"],
        "chords": ["saw", "supersaw", "pulse", 90, 81, 4, 0, "pluck", 50],
        "lead": ["saw", "square", "supersaw", "pluck", "voice", 81, 80, "fm"],
    },
    "chip": {
        "bass": ["square", "pulse", "triangle"],
        "chords": ["square", "pulse"],
        "lead": ["square", "pulse", "saw", "voice", "fm"],
    },
    "any": {
        "bass": [33, 34, 38, 39, "saw", "sub", 32],
        "chords": [0, 4, 5, 16, 18, 24, 25, 27, 48, 50, 61, 90, "saw", "pluck"],
        "lead": ["voice", "voice", 56, 61, 65, 66, 73, 80, 81, 11, 12, 0, "fm", "square"],
    },
    "soft": {
        "bass": [32, 33, 35],
        "chords": [0, 1, 4, 24, 25, 46, 48, 49, 52, 88, 89],
        "lead": ["voice", "voice", 40, 42, 52, 71, 73, 68, 0],
    },
    "jazz": {"bass": [32, 32, 35, 33], "chords": [0, 0, 4, 16, 26], "lead": [56, 59, 65, 66, 57, 71, 11, 26, "voice"]},
    "latin": {"bass": [32, 33, 35], "chords": [0, 24, 25, 21, 61], "lead": ["voice", 56, 57, 73, 24, 40, 22]},
    "orch": {
        "bass": [43, 42, 32, 58],
        "chords": [48, 49, 45, 60, 21, 0, 6],
        "lead": [40, 41, 73, 71, 68, 60, 56, 21, "voice"],
    },
    "folk": {
        "bass": [32, 33, 25],
        "chords": [24, 25, 105, 21, 0, 15, 46],
        "lead": [40, 110, 73, 22, 105, 109, 21, 75, "voice", 0],
    },
    "piano": {"bass": PIANO, "chords": PIANO, "lead": PIANO},
    "voices": {"bass": [0, 6, 19, 20], "chords": [0, 6, 19, 48, 52], "lead": [0, 0, 6, 19, 16]},
}
