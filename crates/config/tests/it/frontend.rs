//! `[frontend]` of sound and `[scenes]`: what they mean, and faults between their keys.

use expect_test::{Expect, expect};
use spinney_config::{AudioFrontend, Frontend, Labels, Pipeline};
use spinney_signal::{Spectral, Statistic};

use crate::common::{check, parse};

pub(crate) const SOUND: &str = r#"[pipeline]
name = "sound"
[dataset]
path = "recordings"
[model]
kind = "random-forest"
[target]
chip = "STM32F405RGTx"
"#;

pub(crate) fn checked(text: &str) -> Pipeline {
    parse(text).expect("a config without fault").pipeline
}

fn audio(frontend: Option<Frontend>) -> AudioFrontend {
    match frontend {
        Some(Frontend::Audio(audio)) => audio,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn faulty(sections: &str, expected: &Expect) {
    check(&format!("{SOUND}{sections}"), expected);
}

#[test]
fn seconds_are_whole_frames() {
    let frames = |decision: &str| {
        let text = format!("{SOUND}[frontend]\nsample_rate = 16000\n{decision}\n");
        audio(checked(&text).frontend).n_frames_per_decision.get()
    };
    assert_eq!(frames("decision_s = 1"), 16);
    assert_eq!(frames("hop = 1000\ndecision_s = 10"), 160);
    assert_eq!(frames("decision_frames = 3"), 3);
    let step = |keys: &str| {
        let text = format!("{SOUND}[frontend]\nsample_rate = 16000\nhop = 500\n{keys}\n");
        let audio = audio(checked(&text).frontend);
        let step = audio.n_frames_per_step.map(std::num::NonZeroU32::get);
        (audio.n_frames_per_decision.get(), step)
    };
    assert_eq!(step("decision_s = 1"), (32, None));
    assert_eq!(
        step("decision_s = 1\ndecision_hop_s = 0.25\ndeltas = 4"),
        (32, Some(8))
    );
    // 10.7 frames are eleven; a step has whole ones, of which a decision has three times as many.
    assert_eq!(
        step("decision_s = 1\ndecision_hop_s = 0.333"),
        (33, Some(11))
    );
    assert_eq!(
        step("decision_frames = 64\ndecision_hop_s = 0.03125"),
        (64, Some(1))
    );
    // One after the other.
    assert_eq!(step("decision_s = 1\ndecision_hop_s = 1"), (32, None));
}

#[test]
fn what_frames_come_to() {
    let sound = "[frontend]\nsample_rate = 16000\nbands = 20\ndecision_frames = 5\n";
    let text = format!(
        "{SOUND}{sound}aggregate = [\"mean\", \"max\"]\ncepstra = 20\ndeltas = 2\nspectral = [\"flatness\", \"centroid\"]\n"
    );
    let frontend = audio(checked(&text).frontend);
    assert_eq!(frontend.aggregates, [Statistic::Mean, Statistic::Maximum]);
    assert_eq!((frontend.n_cepstra, frontend.n_delta_frames), (20, 2));
    assert_eq!(frontend.spectral, [Spectral::Centroid, Spectral::Flatness]);
    let faults = format!("{sound}aggregate = []\ncepstra = 21\ndeltas = 3\n");
    faulty(
        &faults,
        &expect![[r#"
        error: frontend.aggregate: found `[]`, expected `"max"`, `"min"`, `"mean"` or `"variance"`, or a list of some of them
          --> folder/pipeline.toml:13:13
           |
        13 | aggregate = []
           |             ^^

        error: frontend.cepstra: found `21`, expected at most 20, as many as there are `bands`
          --> folder/pipeline.toml:14:11
           |
        11 | bands = 20
           |         -- because of this
        ...
        14 | cepstra = 21
           |           ^^

        error: frontend.deltas: found `3`, which takes 7 frames, expected at most the 5 of a decision
          --> folder/pipeline.toml:15:10
           |
        15 | deltas = 3
           |          ^
    "#]],
    );
    let energies =
        format!("{sound}aggregate_of = \"energies\"\ncepstra = 2\nspectral = [\"rolloff\"]\n");
    faulty(
        &energies,
        &expect![[r#"
            error: frontend.cepstra: found `2`, expected none, since they are made of logarithms
              --> folder/pipeline.toml:14:11
               |
            13 | aggregate_of = "energies"
               |                ---------- because of this
            14 | cepstra = 2
               |           ^
               |
               = help: remove `cepstra`, or change `frontend.aggregate_of`

            error: frontend.spectral: found `["rolloff"]`, expected none, since it is aggregated as logarithms are
              --> folder/pipeline.toml:15:12
               |
            13 | aggregate_of = "energies"
               |                ---------- because of this
            14 | cepstra = 2
            15 | spectral = ["rolloff"]
               |            ^^^^^^^^^^^
               |
               = help: remove `spectral`, or change `frontend.aggregate_of`

            error: frontend.spectral: found `"rolloff"`, expected `"centroid"`, `"roll-off"` or `"flatness"`
              --> folder/pipeline.toml:15:13
               |
            15 | spectral = ["rolloff"]
               |             ^^^^^^^^^
               |
               = help: did you mean `"roll-off"`?
        "#]],
    );
}

#[test]
fn defaults() {
    let text = format!("{SOUND}[frontend]\nsample_rate = 16000\ndecision_s = 1\n[scenes]\n");
    let pipeline = checked(&text);
    let frontend = audio(pipeline.frontend);
    assert_eq!(frontend.hop.get(), 1024);
    assert_eq!((frontend.f_min_hz, frontend.f_max_hz), (0.0, 8000.0));
    assert_eq!(frontend.aggregates, [Statistic::Maximum]);
    assert_eq!(pipeline.scenes.expect("scenes").snr_db, (6, 30));
    assert!(matches!(
        pipeline.dataset,
        spinney_config::Dataset::Split { rows, .. } if rows.labels == Labels::Folders
    ));
}

#[test]
fn keys_that_do_not_go_together() {
    faulty(
        "[scenes]\n",
        &expect![[r#"
            error: dataset.label: found nothing, expected a string, an integer of at least 0, or a list of them, each once
             --> folder/pipeline.toml:3:1
              |
            3 | [dataset]
              | ^^^^^^^^^
              |
              = help: The column of a CSV file that holds the class, or a regressor's number, or the columns of several numbers; all others are features.

            error: scenes: found no `[frontend]`, expected `[frontend]` for sound, since scenes are sound
             --> folder/pipeline.toml:9:1
              |
            9 | [scenes]
              | ^^^^^^^^
        "#]],
    );
    faulty(
        "[frontend]\nsample_rate = 16000\nframe = 1000\nf_max = 9000\ndecision_s = 1\n\
         decision_frames = 2\n",
        &expect![[r#"
            error: frontend.frame: found `1000`, expected a power of two: 64, 128, 256, 512, 1024 or 2048
              --> folder/pipeline.toml:11:9
               |
            11 | frame = 1000
               |         ^^^^

            error: frontend.f_max: found `9000`, expected at most 8000, half of `sample_rate`
              --> folder/pipeline.toml:12:9
               |
            10 | sample_rate = 16000
               |               ----- because of this
            11 | frame = 1000
            12 | f_max = 9000
               |         ^^^^

            error: frontend.decision_s: found `1`, expected none, since a decision has one length
              --> folder/pipeline.toml:13:14
               |
            13 | decision_s = 1
               |              ^
            14 | decision_frames = 2
               |                   - because of this
               |
               = help: remove `decision_s`, or change `frontend.decision_frames`
        "#]],
    );
    faulty(
        "[frontend]\nsample_rate = 16000\nf_min = 9000\ndecision_s = 0.01\n[scenes]\n\
         snr_db = [0.5, 2]\n",
        &expect![[r#"
            error: frontend.f_min: found `9000`, expected less than 8000
              --> folder/pipeline.toml:11:9
               |
            11 | f_min = 9000
               |         ^^^^

            error: frontend.decision_s: found `0.01`, which is 0 frames, expected 1 to 1000000 frames
              --> folder/pipeline.toml:12:14
               |
            12 | decision_s = 0.01
               |              ^^^^

            error: scenes.snr_db: found [0.5, 2], expected whole numbers of −60 to 60
              --> folder/pipeline.toml:14:10
               |
            14 | snr_db = [0.5, 2]
               |          ^^^^^^^^
        "#]],
    );
    faulty(
        "[frontend]\nsample_rate = 16000\n",
        &expect![[r#"
        error: frontend: found no length of a decision, expected `decision_s` or `decision_frames`
         --> folder/pipeline.toml:9:1
          |
        9 | [frontend]
          | ^^^^^^^^^^
    "#]],
    );
}

#[test]
fn what_sound_does_not_have() {
    faulty(
        "[frontend]\nsample_rate = 16000.5\nchannels = [\"x\"]\nstatistics = [\"mean\"]\n\
         bands = 0\ndecision_s = 1\n",
        &expect![[r#"
            error: frontend.sample_rate: found `16000.5`, expected an integer of 1000 to 192000 for sound
              --> folder/pipeline.toml:10:15
               |
            10 | sample_rate = 16000.5
               |               ^^^^^^^

            error: frontend.channels: found `["x"]`, expected none, since it is for `kind = "motion"`
              --> folder/pipeline.toml:11:12
               |
            11 | channels = ["x"]
               |            ^^^^^
               |
               = help: remove `channels`, or set `frontend.kind`

            error: frontend.statistics: found `["mean"]`, expected none, since it is for `kind = "motion"`
              --> folder/pipeline.toml:12:14
               |
            12 | statistics = ["mean"]
               |              ^^^^^^^^
               |
               = help: remove `statistics`, or set `frontend.kind`

            error: frontend.bands: found `0`, expected 1 to 128: sound has no other features
              --> folder/pipeline.toml:13:9
               |
            13 | bands = 0
               |         ^
        "#]],
    );
    faulty(
        "[frontend]\nsample_rate = 16000\nmicrophone_rate = 8000\nframe = 32\ndecision_s = 1\n",
        &expect![[r#"
            error: frontend.microphone_rate: found `8000`, expected at least 16000, the `sample_rate`
              --> folder/pipeline.toml:11:19
               |
            10 | sample_rate = 16000
               |               ----- because of this
            11 | microphone_rate = 8000
               |                   ^^^^

            error: frontend.frame: found `32`, expected a power of two: 64, 128, 256, 512, 1024 or 2048
              --> folder/pipeline.toml:12:9
               |
            12 | frame = 32
               |         ^^
        "#]],
    );
    let with_recordings = SOUND.replace("path =", "recording = \"session\"\npath =");
    check(
        &format!("{with_recordings}[frontend]\nsample_rate = 16000\ndecision_s = 1\n"),
        &expect![[r#"
            error: dataset.recording: found a key of recordings, expected `[frontend]` with `kind = "motion"`, which alone has them
             --> folder/pipeline.toml:4:13
              |
            4 | recording = "session"
              |             ^^^^^^^^^
        "#]],
    );
}
