"""Makes the recordings of data/acoustic, and their table in data/README.md, byte for byte.

    python3 scripts/acoustic/recordings.py FOLDER            writes the recordings and the table
    python3 scripts/acoustic/recordings.py FOLDER --check    writes nothing; exit code 1 and the
                                                             names of what differs

Needs numpy 2, scipy 1.17 and soundfile 0.13. FOLDER holds the .flac files of Debian's package
sonic-pi-samples 3.2.2~repack-8 (recordings under CC0): apt-get download sonic-pi-samples, then
dpkg-deb -x sonic-pi-samples_*.deb . and usr/share/sonic-pi/samples.

Each recording becomes mono, 16 kHz, 16 bits. Of an event the first second from its onset is kept,
with the last 20 ms faded out, at half of full scale; of a background four seconds from its middle.
"""

import argparse
import hashlib
import io
import sys
from pathlib import Path

import numpy as np
import scipy.signal
import soundfile

DATA = Path(__file__).resolve().parents[2] / "data"
RATE = 16_000
EVENT_SAMPLES = RATE
BACKGROUND_SAMPLES = 4 * RATE
FADE_SAMPLES = RATE // 50
BYTES_MAX = 4_000_000
BEGIN = "<!-- begin: written by scripts/acoustic/recordings.py -->\n"
END = "<!-- end: written by scripts/acoustic/recordings.py -->\n"

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


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--check", action="store_true", help="compare only; write nothing")
    arguments = parser.parse_args()
    files = {}
    for family, names in FAMILIES.items():
        for name in names.split():
            files[f"acoustic/{family}/{name}.wav"] = recording(arguments.folder, family, name)
    size = sum(len(content) for content in files.values())
    assert size <= BYTES_MAX, f"{size} bytes of recordings"
    readme = (DATA / "README.md").read_text(encoding="utf-8")
    files["README.md"] = with_table(readme, files).encode()
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


def recording(folder, family, name):
    samples, rate = soundfile.read(folder / f"{name}.flac", always_2d=True)
    samples = scipy.signal.resample_poly(samples.mean(axis=1), RATE, rate)
    if family == "background":
        start = max(0, (len(samples) - BACKGROUND_SAMPLES) // 2)
        samples = samples[start : start + BACKGROUND_SAMPLES]
    else:
        onset = int(np.argmax(np.abs(samples) > np.abs(samples).max() / 50))
        samples = samples[onset : onset + EVENT_SAMPLES].copy()
        n_fade = min(FADE_SAMPLES, len(samples))
        samples[-n_fade:] *= np.linspace(1.0, 0.0, n_fade)
    samples = np.round(samples / np.abs(samples).max() * 16_384).astype("<i2")
    return wav(samples)


def wav(samples):
    """A RIFF file of one format and one data chunk."""
    data = samples.tobytes()
    out = io.BytesIO()
    out.write(b"RIFF" + (36 + len(data)).to_bytes(4, "little") + b"WAVEfmt ")
    for value, n_bytes in [(16, 4), (1, 2), (1, 2), (RATE, 4), (2 * RATE, 4), (2, 2), (16, 2)]:
        out.write(value.to_bytes(n_bytes, "little"))
    out.write(b"data" + len(data).to_bytes(4, "little") + data)
    return out.getvalue()


def with_table(readme, files):
    lines = ["| class | recordings | seconds | sha256 of all, in order of their names |\n", "| --- | --- | ---: | --- |\n"]
    for family, names in FAMILIES.items():
        ours = [files[f"acoustic/{family}/{name}.wav"] for name in sorted(names.split())]
        seconds = sum(len(content) - 44 for content in ours) / (2 * RATE)
        digest = hashlib.sha256(b"".join(ours)).hexdigest()
        listed = ", ".join(f"`{name}`" for name in sorted(names.split()))
        lines.append(f"| {family} | {listed} | {seconds:.1f} | `{digest}` |\n")
    before, rest = readme.split(BEGIN)
    _, after = rest.split(END)
    return before + BEGIN + "".join(lines) + END + after


if __name__ == "__main__":
    main()
