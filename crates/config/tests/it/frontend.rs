//! `[frontend]` and `[scenes]`: what they mean, and faults between their keys.

use expect_test::{Expect, expect};
use spinney_config::{Labels, Pipeline, Statistic};

use crate::common::{check, parse};

const SOUND: &str = r#"[pipeline]
name = "sound"
[dataset]
path = "recordings"
[model]
kind = "random-forest"
[target]
chip = "STM32F405RGTx"
"#;

fn checked(text: &str) -> Pipeline {
    parse(text).expect("a config without fault").pipeline
}

fn faulty(sections: &str, expected: &Expect) {
    check(&format!("{SOUND}{sections}"), expected);
}

#[test]
fn seconds_are_whole_frames() {
    let frames = |decision: &str| {
        let text = format!("{SOUND}[frontend]\nsample_rate = 16000\n{decision}\n");
        let pipeline = checked(&text);
        pipeline
            .frontend
            .expect("a front end")
            .n_frames_per_decision
            .get()
    };
    assert_eq!(frames("decision_s = 1"), 16);
    assert_eq!(frames("hop = 1000\ndecision_s = 10"), 160);
    assert_eq!(frames("decision_frames = 3"), 3);
}

#[test]
fn defaults() {
    let text = format!("{SOUND}[frontend]\nsample_rate = 16000\ndecision_s = 1\n[scenes]\n");
    let pipeline = checked(&text);
    let frontend = pipeline.frontend.expect("a front end");
    assert_eq!(frontend.hop.get(), 1024);
    assert_eq!((frontend.f_min_hz, frontend.f_max_hz), (0.0, 8000.0));
    assert_eq!(frontend.statistic, Statistic::Max);
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
        error: dataset.label: found nothing, expected a string
         --> folder/pipeline.toml:3:1
          |
        3 | [dataset]
          | ^^^^^^^^^
          |
          = help: The column of a CSV file that holds the class; all others are features.

        error: scenes: found no `[frontend]`, expected one, since scenes are sound
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
