"""Makes the fixtures of crates/frontend: signals, and their mel energies in float64.

    python3 scripts/frontend/fixtures.py FOLDER

Needs what requirements.txt names. FOLDER holds the .flac files of Debian's package
sonic-pi-samples (recordings under CC0): apt-get download sonic-pi-samples, then
dpkg-deb -x sonic-pi-samples_*.deb . and usr/share/sonic-pi/samples.

    signals.i16   signal after signal, little-endian
    energies.f32  log2 of mel energies, bank after bank: first of a full-scale sine at each band's
                  centre, then of each frame of each signal
    shapes.f32    centroid and roll-off of each frame in units of 1/65536 of the rate, and log2 of its
                  flatness, in the order of energies.f32
    index.json    names, lengths and banks, in that order

and what motion.py and biquad.py tell of.

The reference is `librosa.filters.mel(...) @ |scipy.fft.rfft(get_window("hann", N) * frame)|**2`
on the samples as integers, all in float64. Shapes are `librosa.feature.spectral_centroid`,
`spectral_rolloff` and `spectral_flatness` of the same powers, of the bins that some filter weighs.
"""

import json
import sys
from pathlib import Path

import biquad
import librosa
import motion
import numpy as np
import scipy.fft
import scipy.signal
import soundfile

OUT = Path(__file__).resolve().parents[2] / "crates/frontend/tests/fixtures"
N_SAMPLES = 8192
RATE = 16_000
RECORDINGS = {
    "kick": "bd_haus",
    "snare": "drum_snare_hard",
    "cymbal": "drum_cymbal_closed",
    "tabla": "tabla_ghe1",
    "bell": "elec_bell",
    "crow": "misc_crow",
}
BANKS = [
    {"rate": 16_000, "points": 1024, "hop": 1024, "bands": 64, "htk": True, "area": False, "min": 100, "max": 8_000},
    {"rate": 44_100, "points": 1024, "hop": 1024, "bands": 64, "htk": True, "area": False, "min": 0, "max": 22_050},
    {"rate": 16_000, "points": 1024, "hop": 512, "bands": 64, "htk": False, "area": True, "min": 50, "max": 8_000},
    {"rate": 16_000, "points": 512, "hop": 512, "bands": 40, "htk": True, "area": True, "min": 20, "max": 7_600},
    {"rate": 8_000, "points": 256, "hop": 1024, "bands": 24, "htk": False, "area": False, "min": 0, "max": 4_000},
    {"rate": 44_100, "points": 2048, "hop": 2048, "bands": 128, "htk": False, "area": True, "min": 0, "max": 16_000},
    {"rate": 8_000, "points": 128, "hop": 1024, "bands": 16, "htk": True, "area": False, "min": 0, "max": 4_000},
    {"rate": 4_000, "points": 64, "hop": 1024, "bands": 8, "htk": True, "area": True, "min": 0, "max": 2_000},
]


def main():
    signals = recordings(Path(sys.argv[1])) | synthetic()
    signals["clipped"] = as_int16(signals["crow"] * 40.0)
    OUT.mkdir(parents=True, exist_ok=True)
    np.concatenate(list(signals.values())).astype("<i2").tofile(OUT / "signals.i16")
    logs, shapes = zip(*(of_bank(bank, list(signals.values())) for bank in BANKS))
    np.concatenate(logs).astype("<f4").tofile(OUT / "energies.f32")
    np.concatenate(shapes).astype("<f4").tofile(OUT / "shapes.f32")
    index = {"n_samples": N_SAMPLES, "signals": list(signals), "banks": BANKS}
    (OUT / "index.json").write_text(json.dumps(index, indent=1) + "\n")
    motion.main()
    biquad.main()
    print(sum(path.stat().st_size for path in OUT.iterdir()), "bytes")


def as_int16(values):
    return np.clip(np.round(values), -32768, 32767)


def recordings(folder):
    """The first half second of each recording, mono at 16 kHz, its loudest sample at full scale."""
    signals = {}
    for name, file in RECORDINGS.items():
        samples, rate = soundfile.read(folder / f"{file}.flac", always_2d=True)
        samples = scipy.signal.resample_poly(samples.mean(axis=1), RATE, rate)[:N_SAMPLES]
        samples = np.pad(samples, (0, N_SAMPLES - len(samples)))
        signals[name] = as_int16(samples / np.abs(samples).max() * 32767)
    return signals


def synthetic():
    at = np.arange(N_SAMPLES)
    rng = np.random.default_rng(1)
    tone = np.sin(2 * np.pi * 0.1037 * at)
    impulses = np.zeros(N_SAMPLES)
    impulses[[17, 1536, 2560, 3000, 5119, 7680]] = [32767, -32768, 32767, -32768, -32768, 32767]
    period = 64 + at // 512 * 16
    return {
        "linear sweep": as_int16(32767 * scipy.signal.chirp(at, 0, N_SAMPLES, 0.5, "linear")),
        "logarithmic sweep": as_int16(32767 * scipy.signal.chirp(at, 0.002, N_SAMPLES, 0.49, "logarithmic")),
        "tone over noise 42 dB below": as_int16(31000 * tone + 31000 / 126 * rng.normal(size=N_SAMPLES)),
        "tone and tone 60 dB below": as_int16(32700 * tone + 32.7 * np.sin(2 * np.pi * 0.3331 * at)),
        "square waves": np.where(at % period < period // 2, 32767, -32768).astype(float),
        "noise": rng.integers(-32768, 32768, N_SAMPLES).astype(float),
        "impulses": impulses,
        "silence": np.zeros(N_SAMPLES),
        "last bit": rng.integers(-1, 2, N_SAMPLES).astype(float),
    }


def of_bank(bank, signals):
    points, hop = bank["points"], bank["hop"]
    filters = librosa.filters.mel(
        sr=bank["rate"], n_fft=points, n_mels=bank["bands"], fmin=bank["min"], fmax=bank["max"],
        htk=bank["htk"], norm="slaney" if bank["area"] else None, dtype=np.float64,
    )
    window = scipy.signal.get_window("hann", points)

    def powers(frame):
        return np.abs(scipy.fft.rfft(window * frame)) ** 2

    def energies(frame):
        return filters @ powers(frame)

    edges = librosa.mel_frequencies(bank["bands"] + 2, fmin=bank["min"], fmax=bank["max"], htk=bank["htk"])
    sines = [32768 * np.sin(2 * np.pi * centre / bank["rate"] * np.arange(points)) for centre in edges[1:-1]]
    rows = [[energies(sine)[band] for band, sine in enumerate(sines)]]
    for signal in signals:
        rows += [energies(signal[at : at + points]) for at in range(0, N_SAMPLES - points + 1, hop)]
    # The last bin has no weight but for what rounding leaves.
    bins = np.flatnonzero(filters.sum(axis=0)[: points // 2])
    shapes = [
        shape(powers(signal[at : at + points])[bins, None], bins * 65536 / points)
        for signal in signals
        for at in range(0, N_SAMPLES - points + 1, hop)
    ]
    return np.log2(np.maximum(rows, 1e-9)).ravel(), np.ravel(shapes)


def shape(powers, frequencies):
    if powers.max() < 1e-9:
        return 0, frequencies[0], 0
    centroid = librosa.feature.spectral_centroid(S=powers, freq=frequencies[:, None])
    roll_off = librosa.feature.spectral_rolloff(S=powers, freq=frequencies[:, None], roll_percent=0.85)
    flatness = librosa.feature.spectral_flatness(S=np.sqrt(powers), amin=1e-9)
    return centroid.item(), roll_off.item(), np.log2(flatness.item())


main()
