//! `[frontend]` of motion: what it means, and faults between its keys.

use expect_test::{Expect, expect};
use spinney_config::{Frontend, Labels, MotionFrontend};
use spinney_signal::Measure;

use crate::common::check;
use crate::frontend::{SOUND, checked, faulty};

const MOTION: &str = r#"[pipeline]
name = "motion"
[dataset]
path = "motion.csv"
label = "class"
recording = "session"
[model]
kind = "random-forest"
[target]
chip = "nRF51822_xxAA"
[frontend]
kind = "motion"
"#;

fn motion(keys: &str) -> MotionFrontend {
    let pipeline = checked(&format!("{MOTION}{keys}"));
    match pipeline.frontend {
        Some(Frontend::Motion(motion)) => motion,
        other => panic!("{other:?}"),
    }
}

#[test]
fn motion_has_its_own_defaults() {
    let plain = motion("sample_rate = 64\nchannels = [\"x\", \"y\"]\n");
    assert_eq!(
        (plain.n_samples, plain.hop.get(), plain.n_bands),
        (128, 128, 8)
    );
    // Bins are half a Hz apart, and a constant reaches the first.
    assert_eq!((plain.f_min_hz, plain.f_max_hz), (0.75, 32.0));
    assert_eq!(plain.statistics.len(), 7);
    let slow = motion(
        "sample_rate = 0.5\nchannels = [\"t\"]\nframe = 30\nhop = 7\nbands = 0\n\
         statistics = [\"range\", \"mean\"]\n",
    );
    assert_eq!((slow.n_samples, slow.hop.get(), slow.n_bands), (30, 7, 0));
    // In the order of a row, however they were typed.
    assert_eq!(slow.statistics, [Measure::Mean, Measure::Range]);
    let all: Vec<&str> = Measure::WORDS.to_vec();
    let keys = format!(
        "sample_rate = 64\nchannels = [\"x\", \"y\"]\nmagnitude = 2\nstatistics = {all:?}\n"
    );
    let all = motion(&keys);
    assert_eq!((all.n_axes, plain.n_axes), (2, 0));
    assert_eq!(all.statistics, Measure::ALL);
    let bare = motion("sample_rate = 64\nchannels = [\"x\"]\nwindow = \"none\"\nstatistics = []\n");
    assert_eq!(bare.f_min_hz.to_bits(), 0.25_f64.to_bits());
}

#[test]
fn filters_of_samples() {
    let of = |keys: &str| {
        let filter = motion(&format!("sample_rate = 64\nchannels = [\"x\"]\n{keys}\n")).filter;
        filter.map(|it| it.to_string())
    };
    assert_eq!(of(""), None);
    for (keys, wanted) in [
        ("high_pass = 0.5", "a high-pass of order 2 at 0.5 Hz"),
        (
            "low_pass = 3\nfilter_order = 6",
            "a low-pass of order 6 at 3 Hz",
        ),
        (
            "high_pass = 1\nlow_pass = 20",
            "a band-pass of order 2, 1 to 20 Hz",
        ),
    ] {
        assert_eq!(of(keys).as_deref(), Some(wanted));
    }
    let sound = "[frontend]\nsample_rate = 16000\ndecision_s = 1\n";
    for (keys, expected) in [
        (
            "filter_order = 3\n",
            expect![[r#"
            error: frontend.filter_order: found no filter, expected `high_pass`, `low_pass` or both
              --> folder/pipeline.toml:12:16
               |
            12 | filter_order = 3
               |                ^
        "#]],
        ),
        (
            "low_pass = 8000\n",
            expect![[r#"
            error: frontend.low_pass: found `8000`, expected 8 to 7272.727273, a period of 2.2 to 2000 samples
              --> folder/pipeline.toml:12:12
               |
            10 | sample_rate = 16000
               |               ----- because of this
            11 | decision_s = 1
            12 | low_pass = 8000
               |            ^^^^
        "#]],
        ),
        (
            "high_pass = 100\nlow_pass = 104\nfilter_order = 5\n",
            expect![[r#"
                error: frontend.low_pass: found `104`, expected at least 108: a band is at least 8 Hz wide, a 2000th of `sample_rate`
                  --> folder/pipeline.toml:13:12
                   |
                12 | high_pass = 100
                   |             --- because of this
                13 | low_pass = 104
                   |            ^^^

                error: frontend.filter_order: found `5`, expected at most 4: a band has so many poles on either side
                  --> folder/pipeline.toml:14:16
                   |
                14 | filter_order = 5
                   |                ^
            "#]],
        ),
    ] {
        faulty(&format!("{sound}{keys}"), &expected);
    }
}

#[test]
fn a_trigger_opens_decisions() {
    let of = |keys: &str| {
        let trigger = motion(&format!("sample_rate = 64\nchannels = [\"x\"]\n{keys}\n")).trigger;
        trigger.map(|it| it.to_string())
    };
    assert_eq!(of(""), None);
    let wanted = "300 over 32 samples, 0 before them";
    assert_eq!(of("trigger = 300").as_deref(), Some(wanted));
    let keys = "trigger = 1\ntrigger_block = 100\ntrigger_before = 28";
    assert_eq!(
        of(keys).as_deref(),
        Some("1 over 100 samples, 28 before them")
    );
    // A quarter of the shortest window would be no block.
    let short = "frame = 2\nbands = 0\ntrigger = 32767";
    assert_eq!(
        of(short).as_deref(),
        Some("32767 over 2 samples, 0 before them")
    );
    let sound = "[frontend]\nsample_rate = 16000\ndecision_s = 1\n";
    for (keys, expected) in [
        (
            "trigger_before = 3\ntrigger_block = 30\n",
            expect![[r#"
            error: frontend.trigger_before: found no gate, expected `trigger`
              --> folder/pipeline.toml:12:18
               |
            12 | trigger_before = 3
               |                  ^

            error: frontend.trigger_block: found no gate, expected `trigger`
              --> folder/pipeline.toml:13:17
               |
            13 | trigger_block = 30
               |                 ^^
        "#]],
        ),
        (
            "trigger = 300\nladder_s = 10\ntrigger_before = 800\ntrigger_block = 225\n",
            expect![[r#"
                error: frontend.ladder_s: found `10`, expected none, since sound says when there is a decision
                  --> folder/pipeline.toml:13:12
                   |
                12 | trigger = 300
                   |           --- because of this
                13 | ladder_s = 10
                   |            ^^
                   |
                   = help: remove `ladder_s`, or change `frontend.trigger`

                error: frontend.trigger_before: found a block of 225 samples and 800 before it, expected at most 1024 together, those of a `frame`
                  --> folder/pipeline.toml:14:18
                   |
                14 | trigger_before = 800
                   |                  ^^^
                15 | trigger_block = 225
                   |                 --- because of this
            "#]],
        ),
        (
            "trigger = 300\ndecision_hop_s = 0.5\n",
            expect![[r#"
            error: frontend.decision_hop_s: found `0.5`, expected none, since a decision begins where the sound says so
              --> folder/pipeline.toml:13:18
               |
            12 | trigger = 300
               |           --- because of this
            13 | decision_hop_s = 0.5
               |                  ^^^
               |
               = help: remove `decision_hop_s`, or change `frontend.trigger`
        "#]],
        ),
        (
            "hop = 512\ndecision_hop_s = 0.4\n",
            expect![[r#"
                error: frontend.decision_hop_s: found `0.4`, of which a decision of 1 s has 2.50, expected 1 to 64 to a decision, each of as many whole frames, such as 0.3333 or 0.5
                  --> folder/pipeline.toml:13:18
                   |
                13 | decision_hop_s = 0.4
                   |                  ^^^
            "#]],
        ),
        (
            "decision_hop_s = 4\n",
            expect![[r#"
                error: frontend.decision_hop_s: found `4`, of which a decision of 1 s has 0.25, expected 1 to 64 to a decision, each of as many whole frames, such as 1
                  --> folder/pipeline.toml:12:18
                   |
                12 | decision_hop_s = 4
                   |                  ^
            "#]],
        ),
        (
            "hop = 512\ndeltas = 4\ndecision_hop_s = 0.125\n",
            expect![[r#"
                error: frontend.decision_hop_s: found 4 frames, expected at least 8, twice the frames on either side of `deltas`
                  --> folder/pipeline.toml:14:18
                   |
                13 | deltas = 4
                   |          - because of this
                14 | decision_hop_s = 0.125
                   |                  ^^^^^
            "#]],
        ),
        (
            "hop = 1\ndecision_hop_s = 0.01\n",
            expect![[r#"
                error: frontend.decision_hop_s: found `0.01`, of which a decision of 1 s has 100.00, expected 1 to 64 to a decision, each of as many whole frames, such as 0.0156
                  --> folder/pipeline.toml:13:18
                   |
                13 | decision_hop_s = 0.01
                   |                  ^^^^
            "#]],
        ),
        (
            "hop = 512\ndecision_hop_s = 0.05\n",
            expect![[r#"
            error: frontend.decision_hop_s: found `0.05`, of which a decision of 1 s has 20.00, expected 1 to 64 to a decision, each of as many whole frames, such as 0.0333 or 0.0625
              --> folder/pipeline.toml:13:18
               |
            13 | decision_hop_s = 0.05
               |                  ^^^^
        "#]],
        ),
        (
            "decision_hop_s = 0.03\n",
            expect![[r#"
                error: frontend.decision_hop_s: found `0.03`, of which a decision of 1 s has 33.33, expected 1 to 64 to a decision, each of as many whole frames, such as 0.0625
                  --> folder/pipeline.toml:12:18
                   |
                12 | decision_hop_s = 0.03
                   |                  ^^^^
            "#]],
        ),
        (
            "trigger = 0\ntrigger_block = 1\n",
            expect![[r#"
            error: frontend.trigger: found `0`, expected an integer of 1 to 32767
              --> folder/pipeline.toml:12:11
               |
            12 | trigger = 0
               |           ^

            error: frontend.trigger_block: found `1`, expected an integer of 2 to 2048
              --> folder/pipeline.toml:13:17
               |
            13 | trigger_block = 1
               |                 ^
        "#]],
        ),
        (
            "trigger = 300\ntrigger_before = 769\nkind = \"motion\"\nchannels = [\"x\"]\nhop = 8\nframe = 1024\n",
            expect![[r#"
                error: frontend.decision_s: found `1`, expected none, since it is for sound
                  --> folder/pipeline.toml:11:14
                   |
                11 | decision_s = 1
                   |              ^
                ...
                14 | kind = "motion"
                   |        -------- because of this
                   |
                   = help: remove `decision_s`, or change `frontend.kind`

                error: frontend.trigger_before: found a block of 256 samples and 769 before it, expected at most 1024 together, those of a `frame`
                  --> folder/pipeline.toml:13:18
                   |
                13 | trigger_before = 769
                   |                  ^^^

                error: frontend.hop: found `8`, expected none, since a window begins where the gate opens
                  --> folder/pipeline.toml:16:7
                   |
                12 | trigger = 300
                   |           --- because of this
                ...
                16 | hop = 8
                   |       ^
                   |
                   = help: remove `hop`, or change `frontend.trigger`
            "#]],
        ),
    ] {
        faulty(&format!("{sound}{keys}"), &expected);
    }
    // Without an hour's number of decisions, a trigger says it, or nothing does.
    let power = "[power]\nbattery_mah = 220\n";
    let triggered = checked(&format!(
        "{SOUND}{sound}trigger = 300\n{power}preset = \"stm32l476\"\n"
    ));
    assert_eq!(triggered.power.and_then(|it| it.decisions_per_hour), None);
    faulty(
        &format!("{sound}{power}preset = \"stm32l476\"\n"),
        &expect![[r#"
            error: power.decisions_per_hour: found nothing, expected a number above 0
              --> folder/pipeline.toml:12:1
               |
            12 | [power]
               | ^^^^^^^
               |
               = help: How often the node decides, or is expected to with a `trigger`.
        "#]],
    );
}

#[test]
fn the_labels_of_motion() {
    let pipeline = checked(&format!("{MOTION}sample_rate = 64\nchannels = [\"x\"]\n"));
    let spinney_config::Dataset::Split { rows, .. } = pipeline.dataset else {
        panic!("{:?}", pipeline.dataset);
    };
    assert_eq!(rows.labels, Labels::Columns(vec!["class".to_owned()]));
    assert_eq!(rows.recording.as_deref(), Some("session"));
    let folders = "[pipeline]\nname = \"motion\"\n[dataset]\npath = \"recordings\"\n[model]\n\
                   kind = \"random-forest\"\n[target]\nchip = \"nRF51822_xxAA\"\n[frontend]\n\
                   kind = \"motion\"\nsample_rate = 64\nchannels = [\"x\"]\n";
    let spinney_config::Dataset::Split { rows, .. } = checked(folders).dataset else {
        panic!("a split");
    };
    assert_eq!(rows.labels, Labels::Folders);
}

#[test]
fn faults_of_motion() {
    let faulty = |keys: &str, expected: &Expect| check(&format!("{MOTION}{keys}"), expected);
    faulty(
        "sample_rate = 64\n",
        &expect![[r#"
        error: frontend.channels: found nothing, expected a list of 1 to 16 names, each once
          --> folder/pipeline.toml:11:1
           |
        11 | [frontend]
           | ^^^^^^^^^^
           |
           = help: The columns of a CSV file that are channels of motion, in the order of a sample's values.
    "#]],
    );
    faulty(
        "sample_rate = 64\nchannels = [\"x\", \"x\", 3, \"\"]\n",
        &expect![[r#"
            error: frontend.channels: found `"x"` twice, expected it once
              --> folder/pipeline.toml:14:18
               |
            14 | channels = ["x", "x", 3, ""]
               |             ---  ^^^
               |             |
               |             the first

            error: frontend.channels: found an integer, expected a string
              --> folder/pipeline.toml:14:23
               |
            14 | channels = ["x", "x", 3, ""]
               |                       ^

            error: frontend.channels: found `""`, expected a string
              --> folder/pipeline.toml:14:26
               |
            14 | channels = ["x", "x", 3, ""]
               |                          ^^
        "#]],
    );
    faulty(
        "sample_rate = 64\nchannels = []\n",
        &expect![[r#"
        error: frontend.channels: found `[]`, expected a list of 1 to 16 names, each once
          --> folder/pipeline.toml:14:12
           |
        14 | channels = []
           |            ^^
    "#]],
    );
    faulty(
        "sample_rate = 64\nchannels = [\"x\"]\nframe = 100\ndecision_s = 1\nscale = \"htk\"\n\
         statistics = [\"medium\"]\n[scenes]\n",
        &expect![[r#"
            error: frontend.frame: found `100`, expected a power of two: 64, 128, 256, 512, 1024 or 2048
              --> folder/pipeline.toml:15:9
               |
            15 | frame = 100
               |         ^^^
               |
               = help: any even number will do with `bands = 0`

            error: frontend.decision_s: found `1`, expected none, since it is for sound
              --> folder/pipeline.toml:16:14
               |
            12 | kind = "motion"
               |        -------- because of this
            ...
            16 | decision_s = 1
               |              ^
               |
               = help: remove `decision_s`, or change `frontend.kind`

            error: frontend.scale: found `"htk"`, expected none, since it is for sound
              --> folder/pipeline.toml:17:9
               |
            12 | kind = "motion"
               |        -------- because of this
            ...
            17 | scale = "htk"
               |         ^^^^^
               |
               = help: remove `scale`, or change `frontend.kind`

            error: frontend.statistics: found `"medium"`, expected `"mean"`, `"variance"`, `"deviation"`, `"min"`, `"max"`, `"range"`, `"rms"`, `"mean-crossings"`, `"zero-crossings"`, `"jerk"`, `"lower-quartile"`, `"median"`, `"upper-quartile"`, `"autocorrelation-peak"` or `"correlation"`
              --> folder/pipeline.toml:18:15
               |
            18 | statistics = ["medium"]
               |               ^^^^^^^^
               |
               = help: did you mean `"median"`?

            error: scenes: found `kind = "motion"` in `[frontend]`, expected `[frontend]` for sound, since scenes are sound
              --> folder/pipeline.toml:19:1
               |
            19 | [scenes]
               | ^^^^^^^^
        "#]],
    );
    faulty(
        "sample_rate = 64\nchannels = [\"x\"]\nframe = 31\nbands = 0\nstatistics = []\n",
        &expect![[r#"
            error: frontend.frame: found `31`, expected an even number
              --> folder/pipeline.toml:15:9
               |
            15 | frame = 31
               |         ^^

            error: frontend.statistics: found none, expected some, since there are no bands
              --> folder/pipeline.toml:17:14
               |
            17 | statistics = []
               |              ^^
        "#]],
    );
    faulty(
        "sample_rate = 64\nchannels = [\"x\", \"magnitude\", \"z\", \"t\"]\nmagnitude = 3\n",
        &expect![[r#"
            error: frontend.magnitude: found `3`, expected a divisor of 4, the number of `channels`
              --> folder/pipeline.toml:15:13
               |
            14 | channels = ["x", "magnitude", "z", "t"]
               |            ---------------------------- because of this
            15 | magnitude = 3
               |             ^

            error: frontend.magnitude: found `3` and the channel `magnitude`, expected channels whose names do not begin with `magnitude`
              --> folder/pipeline.toml:15:13
               |
            14 | channels = ["x", "magnitude", "z", "t"]
               |            ---------------------------- because of this
            15 | magnitude = 3
               |             ^
        "#]],
    );
    faulty(
        "sample_rate = 64\nchannels = [\"x\"]\nmagnitude = 0\n",
        &expect![[r#"
            error: frontend.magnitude: found `0`, expected an integer of 1 to 3
              --> folder/pipeline.toml:15:13
               |
            15 | magnitude = 0
               |             ^
        "#]],
    );
    faulty(
        "sample_rate = 64\nchannels = [\"x\"]\nstatistics = [\"correlation\"]\n",
        &expect![[r#"
            error: frontend.statistics: found `"correlation"` and one channel, expected two or more, since it is of two
              --> folder/pipeline.toml:15:14
               |
            14 | channels = ["x"]
               |            ----- because of this
            15 | statistics = ["correlation"]
               |              ^^^^^^^^^^^^^^^
        "#]],
    );
    faulty(
        "sample_rate = 64\nchannels = [\"x\"]\nf_max = 40\n",
        &expect![[r#"
            error: frontend.f_max: found `40`, expected at most 32, half of `sample_rate`
              --> folder/pipeline.toml:15:9
               |
            13 | sample_rate = 64
               |               -- because of this
            14 | channels = ["x"]
            15 | f_max = 40
               |         ^^
        "#]],
    );
    let labels = MOTION.replace("label = \"class\"", "path_labels = \"labels.csv\"");
    check(
        &format!("{labels}sample_rate = 64\nchannels = [\"x\"]\n"),
        &expect![[r#"
            error: dataset.path_labels: found `"labels.csv"`, expected none, since its times are those of one recording
             --> folder/pipeline.toml:5:15
              |
            5 | path_labels = "labels.csv"
              |               ^^^^^^^^^^^^
            6 | recording = "session"
              |             --------- because of this
              |
              = help: remove `path_labels`, or change `dataset.recording`
        "#]],
    );
}
