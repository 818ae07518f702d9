"""Makes the recordings of data/acoustic, data/spoken and data/keys, and their tables in data/README.md,
byte for byte.

    python3 scripts/acoustic/recordings.py FOLDER            writes the recordings and the tables
    python3 scripts/acoustic/recordings.py FOLDER --check    writes nothing; exit code 1 and the
                                                             names of what differs

Needs numpy 2, scipy 1.17 and soundfile 0.13. FOLDER holds what is in three packages of Debian: apt-get
download sonic-pi-samples gcin-voice bucklespring-data, then dpkg-deb -x of each into it. Versions
3.2.2~repack-8, 0~20170223-3 and 1.4.0-2; data/README.md has their licences.

Each recording becomes mono, of 16 bits and its set's sample rate, the loudest sample at half of full
scale. Of an event so many seconds from its onset are kept, the last 20 ms faded out; of a background
those in its middle. The first of recordings that are equal is taken.
"""

import argparse
import hashlib
import io
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.signal
import soundfile

DATA = Path(__file__).resolve().parents[2] / "data"
FADE_S = 0.02
BYTES_MAX = 4_000_000

FAMILIES = {
    "background": """ambi_choir ambi_drone ambi_glass_hum ambi_glass_rub
        ambi_haunted_hum ambi_lunar_land ambi_soft_buzz vinyl_hiss""",
    "bell": """drum_cowbell elec_beep elec_bell elec_chime elec_ping elec_triangle perc_bell""",
    "cymbal": """drum_cymbal_closed drum_cymbal_hard drum_cymbal_open drum_cymbal_pedal
        drum_cymbal_soft drum_splash_hard drum_splash_soft elec_cymbal""",
    "kick": """bd_808 bd_ada bd_boom bd_fat bd_gas bd_haus bd_klub bd_pure bd_sone bd_tek bd_zome
        bd_zum drum_bass_hard drum_bass_soft drum_heavy_kick elec_hollow_kick elec_soft_kick""",
    "snare": """drum_snare_hard drum_snare_soft elec_lo_snare elec_mid_snare elec_snare sn_dolf sn_dub
        sn_zome""",
    "tabla": """tabla_ke1 tabla_na tabla_na_o tabla_na_s tabla_re tabla_tas1 tabla_tas2 tabla_tas3
        tabla_te1 tabla_te2 tabla_te_m tabla_te_ne tabla_tun1 tabla_tun2 tabla_tun3""",
}

# How the package writes the syllables of Mandarin's digits one to five, and what they are in pinyin.
SYLLABLES = {"ㄧ": "yi", "ㄦ": "er", "ㄙㄢ": "san", "ㄙ": "si", "ㄨ": "wu"}
# The number of a tone as the package writes it; none is the first, 1 the neutral one.
TONES = {"": 1, "1": 0, "2": 2, "3": 3, "4": 4}
VOICES = {"3": "edward", "5": "chu"}


@dataclass
class Set:
    """Recordings of one folder in data: where each comes from, by class and name."""

    rate: int
    sources: dict
    event_s: float
    background_s: float
    lists_names: bool


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--check", action="store_true", help="compare only; write nothing")
    arguments = parser.parse_args()
    files = {}
    readme = (DATA / "README.md").read_text(encoding="utf-8")
    for name, of_set in sets(arguments.folder / "usr/share").items():
        ours = recordings(of_set)
        readme = with_table(readme, name, of_set, ours)
        files |= {f"{name}/{family}/{one}.wav": content for (family, one), content in ours.items()}
    size = sum(len(content) for content in files.values())
    assert size <= BYTES_MAX, f"{size} bytes of recordings"
    files["README.md"] = readme.encode()
    differing = [
        name
        for name, content in files.items()
        if not (DATA / name).is_file() or (DATA / name).read_bytes() != content
    ]
    if arguments.check:
        for name in differing:
            print(f"data/{name} is not what this script makes")
        sys.exit(1 if differing else 0)
    for name in differing:
        (DATA / name).parent.mkdir(parents=True, exist_ok=True)
        (DATA / name).write_bytes(files[name])
    print(f"{len(files) - 1} recordings, {size} bytes, {len(differing)} files written")


def sets(share):
    samples = share / "sonic-pi/samples"
    sounds = {
        (family, name): samples / f"{name}.flac" for family, names in FAMILIES.items() for name in names.split()
    }
    backgrounds = {key: path for key, path in sounds.items() if key[0] == "background"}
    spoken = {
        (pinyin, f"{VOICES[path.stem]}-{TONES[tone]}"): path
        for syllable, pinyin in SYLLABLES.items()
        for tone in TONES
        for path in (share / "gcin-voice/ogg" / (syllable + tone)).glob("*.ogg")
    }
    keys = {
        ({"0": "release", "1": "press"}[path.stem[3:]], path.stem[:2]): path
        for path in (share / "buckle/wav").glob("*.wav")
    }
    return {
        "acoustic": Set(16_000, sounds, 1.0, 4.0, lists_names=True),
        "spoken": Set(8_000, spoken | backgrounds, 0.4, 1.0, lists_names=False),
        "keys": Set(8_000, keys | backgrounds, 0.16, 1.0, lists_names=False),
    }


def recordings(of_set):
    """What is in each file, by class and name, in their order."""
    made = {key: recording(of_set, key[0], path) for key, path in sorted(of_set.sources.items())}
    first = {content: key for key, content in reversed(made.items())}
    return {key: content for key, content in made.items() if first[content] == key}


def recording(of_set, family, path):
    samples, rate = soundfile.read(path, always_2d=True)
    samples = scipy.signal.resample_poly(samples.mean(axis=1), of_set.rate, rate)
    if family == "background":
        n_kept = int(of_set.background_s * of_set.rate)
        start = max(0, (len(samples) - n_kept) // 2)
        samples = samples[start : start + n_kept]
    else:
        onset = int(np.argmax(np.abs(samples) > np.abs(samples).max() / 50))
        samples = samples[onset : onset + int(of_set.event_s * of_set.rate)].copy()
        n_fade = min(int(FADE_S * of_set.rate), len(samples))
        samples[-n_fade:] *= np.linspace(1.0, 0.0, n_fade)
    samples = np.round(samples / np.abs(samples).max() * 16_384).astype("<i2")
    return wav(samples, of_set.rate)


def wav(samples, rate):
    """A RIFF file of one format and one data chunk."""
    data = samples.tobytes()
    out = io.BytesIO()
    out.write(b"RIFF" + (36 + len(data)).to_bytes(4, "little") + b"WAVEfmt ")
    for value, n_bytes in [(16, 4), (1, 2), (1, 2), (rate, 4), (2 * rate, 4), (2, 2), (16, 2)]:
        out.write(value.to_bytes(n_bytes, "little"))
    out.write(b"data" + len(data).to_bytes(4, "little") + data)
    return out.getvalue()


def with_table(readme, name, of_set, ours):
    lines = ["| class | recordings | seconds | sha256 of all, in order of their names |\n", "| --- | --- | ---: | --- |\n"]
    for family in dict.fromkeys(family for family, _ in ours):
        of_family = {one: content for (other, one), content in ours.items() if other == family}
        seconds = sum(len(content) - 44 for content in of_family.values()) / (2 * of_set.rate)
        digest = hashlib.sha256(b"".join(of_family.values())).hexdigest()
        listed = ", ".join(f"`{one}`" for one in of_family) if of_set.lists_names else len(of_family)
        lines.append(f"| {family} | {listed} | {seconds:.1f} | `{digest}` |\n")
    begin = f"<!-- begin: {name}, written by scripts/acoustic/recordings.py -->\n"
    end = begin.replace("begin", "end", 1)
    before, rest = readme.split(begin)
    _, after = rest.split(end)
    return before + begin + "".join(lines) + end + after


if __name__ == "__main__":
    main()
