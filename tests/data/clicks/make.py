"""Makes the files of this folder from tests/audio/clicks.py; needs ffmpeg and lame, which the tests do not.

Run from the root of the repository: python -m tests.data.clicks.make
"""

from __future__ import annotations

import subprocess

import soundfile

from tests.audio.clicks import FOLDER, SAMPLE_RATE, click_track

COMMANDS = {
    "lame_cbr.mp3": "lame --quiet -b 64 {wav} {out}",
    "lame_vbr.mp3": "lame --quiet -V5 {wav} {out}",
    "cbr_no_header.mp3": "lame --quiet -t -b 64 {wav} {out}",
    "vbr_no_header.mp3": "lame --quiet -t -V5 {wav} {out}",
    "lame_16k.mp3": "lame --quiet -b 32 --resample 16 {wav} {out}",
    "ffmpeg.mp3": "ffmpeg -v error -y -i {wav} -b:a 64k {out}",
    "layer2.mp2": "ffmpeg -v error -y -i {wav} -b:a 64k {out}",
    "mp3_in.wav": "ffmpeg -v error -y -i {wav} -c:a libmp3lame -b:a 64k -f wav {out}",
    "vorbis.ogg": "ffmpeg -v error -y -i {wav} -c:a libvorbis -q:a 1 {out}",
    "opus.opus": "ffmpeg -v error -y -i {wav} -b:a 32k {out}",
    "aac.m4a": "ffmpeg -v error -y -i {wav} -b:a 48k {out}",
    "aac.aac": "ffmpeg -v error -y -i {wav} -b:a 48k {out}",
    "aac.mka": "ffmpeg -v error -y -i {wav} -c:a aac -b:a 48k {out}",
    "alac.m4a": "ffmpeg -v error -y -i {wav} -c:a alac -sample_fmt s16p {out}",
    "wma2.wma": "ffmpeg -v error -y -i {wav} -c:a wmav2 -b:a 48k {out}",
    "wma1.wma": "ffmpeg -v error -y -i {wav} -c:a wmav1 -b:a 48k {out}",
    "dts.dts": "ffmpeg -v error -y -i {wav} -c:a dca -strict -2 -ar 16000 -b:a 96k {out}",
    "opus.caf": "ffmpeg -v error -y -i {wav} -c:a libopus -b:a 32k {out}",
    "ac3.ac3": "ffmpeg -v error -y -i {wav} -b:a 64k {out}",
    "ac3.mp4": "ffmpeg -v error -y -i {wav} -c:a ac3 -b:a 64k {out}",
    "mp3.mka": "ffmpeg -v error -y -i {wav} -c:a libmp3lame -b:a 64k {out}",
    "mp2.mka": "ffmpeg -v error -y -i {wav} -c:a mp2 -b:a 64k {out}",
    "aac.loas": "ffmpeg -v error -y -i {wav} -c:a aac -b:a 48k -f latm {out}",
    "wma2.mka": "ffmpeg -v error -y -i {wav} -c:a wmav2 -b:a 48k {out}",
    "float.w64": "ffmpeg -v error -y -i {wav} -c:a pcm_f32le -ar 8000 {out}",
    "wavpack.wv": "ffmpeg -v error -y -i {wav} {out}",
    "flac.ogg": "ffmpeg -v error -y -i {wav} -c:a flac {out}",
}


def main() -> None:
    wav = FOLDER / "source.wav"
    soundfile.write(wav, click_track(), SAMPLE_RATE, subtype="PCM_16")
    for name, command in COMMANDS.items():
        subprocess.run(command.format(wav=wav, out=FOLDER / name).split(), check=True)
    wav.unlink()


if __name__ == "__main__":
    main()
