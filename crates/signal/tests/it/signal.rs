//! Recordings, labels, decisions and scenes at their boundaries.

use std::num::{NonZeroU16, NonZeroU32};

use spinney_signal::{
    FrontEnd, MelBank, MelScale, Normalisation, SoundFront, Spectral, Statistic, Trigger, Window,
};
use spinney_signal::{
    Interval, Recording, Scenes, Sound, hear, intervals_csv, labels_of, read_intervals, read_wav,
    render, trimmed, wav_bytes,
};

const RATE: u32 = 16_000;

/// Two frames of 256 samples, 200 apart, to a decision.
fn front_end(statistic: Statistic, of_energies: bool) -> SoundFront {
    SoundFront {
        bank: MelBank {
            sample_rate_hz: f64::from(RATE),
            n_points: 256,
            n_bands: 12,
            scale: MelScale::Htk,
            normalisation: Normalisation::None,
            f_min_hz: 100.0,
            f_max_hz: 8000.0,
        },
        filter: None,
        window: Window::Hann,
        hop: NonZeroU16::new(200).expect("not zero"),
        n_frames_per_decision: NonZeroU32::new(2).expect("not zero"),
        n_frames_per_step: None,
        statistics: vec![statistic],
        of_energies,
        n_cepstra: 0,
        spectral: Vec::new(),
        n_delta_frames: 0,
        trigger: None,
    }
}

/// Samples that no period shorter than 2^16 repeats.
fn noise(n_samples: usize) -> Vec<i16> {
    (0..n_samples as u32)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 16) as i16)
        .collect()
}

fn sound(class: &str, samples: Vec<i16>) -> Sound {
    Sound {
        class: class.to_owned(),
        recording: Recording {
            sample_rate_hz: RATE,
            samples,
        },
    }
}

#[test]
fn recordings_read_back() {
    let recording = Recording {
        sample_rate_hz: RATE,
        samples: vec![0, 1, -32_768, 32_767],
    };
    let bytes = wav_bytes(&recording).expect("a short recording");
    assert_eq!(read_wav(&bytes), Ok(recording));
    for end in 0..bytes.len() {
        let _ = read_wav(&bytes[..end]);
    }
    assert!(read_wav(&bytes[..bytes.len() - 1]).is_err());
}

#[test]
fn labels_read_back() {
    let intervals = vec![
        Interval {
            start: 1,
            end: 16_001,
            label: "bell".to_owned(),
        },
        Interval {
            start: 40_000,
            end: 40_007,
            label: "kick".to_owned(),
        },
    ];
    let text = intervals_csv(&intervals, RATE);
    assert_eq!(read_intervals(text.as_bytes(), RATE.into()), Ok(intervals));
}

#[test]
fn a_track_of_audacity_has_no_header() {
    let text = "0,000125\t1,5\tbell\n\\\t100,0\t200,0\n2\t3\tkick, hard\n";
    let found = read_intervals(text.as_bytes(), 16_000.0).expect("labels");
    let found: Vec<_> = (found.iter().map(|it| (it.start, it.end, it.label.as_str()))).collect();
    assert_eq!(found, [(2, 24_000, "bell"), (32_000, 48_000, "kick, hard")]);
    // Shorter than a sample, but not nothing.
    let short = read_intervals(b"1\t1.00001\tclick\n", 100.0).expect("labels");
    assert_eq!((short[0].start, short[0].end), (100, 101));
    for (text, fault) in [
        ("1\t1\tpoint\n", "an end after the start"),
        ("1\t2\t\n", "times without labels"),
        ("1\t2\tbell\n2\t3\t\n", "line 2, column"),
        ("1\t2\tbell\nx\t3\tbell\n", "line 2: found the time \"x\""),
    ] {
        let error = read_intervals(text.as_bytes(), 100.0).expect_err("a fault");
        assert!(error.to_string().contains(fault), "{error}");
    }
}

#[test]
fn labels_at_fault_say_where() {
    let told = |text: &str| {
        read_intervals(text.as_bytes(), RATE.into())
            .expect_err("a label file at fault")
            .to_string()
    };
    assert_eq!(
        told("start,label\n0,a\n"),
        "the label file: found the columns start, label, expected a column `end`: labels have \
         `start`, `end` and `label`"
    );
    assert_eq!(
        told("start,end,label\n0,1,a\n-1,2,b\n"),
        "line 3: found the time \"-1\", expected seconds, from 0 on"
    );
    assert_eq!(
        told("label,start,end\na,2,2\n"),
        "line 2: found \"2\" to \"2\", expected an end after the start"
    );
    assert_eq!(
        told("start,end,label\n0,1,\n"),
        "line 2, column \"label\": found an empty field, expected a class"
    );
    for text in [
        "",
        "start,end,label\nNaN,1,a\n",
        "start,end,label\n1e300,inf,a\n",
    ] {
        told(text);
    }
}

#[test]
fn a_label_belongs_where_half_of_it_lies() {
    let front_end = front_end(Statistic::Maximum, false);
    let decisions = front_end.decisions(&noise(1256));
    assert_eq!(decisions, [0..400, 400..800, 800..1200]);
    let labels = |intervals: &[(usize, usize)]| {
        let intervals: Vec<Interval> = intervals
            .iter()
            .enumerate()
            .map(|(at, (start, end))| Interval {
                start: *start,
                end: *end,
                label: at.to_string(),
            })
            .collect();
        labels_of(&decisions, &intervals, "-").join(" ")
    };
    assert_eq!(labels(&[]), "- - -");
    assert_eq!(labels(&[(0, 400)]), "0 - -");
    assert_eq!(labels(&[(390, 500)]), "- 0 -");
    assert_eq!(labels(&[(100, 900)]), "0 0 -");
    assert_eq!(labels(&[(100, 1100)]), "0 0 0");
    assert_eq!(labels(&[(0, 100), (100, 250), (250, 260)]), "1 - -");
    assert_eq!(labels(&[(1200, 5000)]), "- - -");
}

#[test]
fn decisions_are_those_of_the_chain() {
    let front_end = front_end(Statistic::Maximum, false);
    for n_samples in [0, 1, 455, 456, 457, 855, 856, 857, 5000] {
        let samples = noise(n_samples);
        let rows = hear(&front_end, &samples).expect("filters");
        assert_eq!(rows.len(), front_end.n_decisions(n_samples), "{n_samples}");
        assert_eq!(
            rows.len(),
            front_end.decisions(&samples).len(),
            "{n_samples}"
        );
        let trimmed = trimmed(&front_end, samples);
        let whole = hear(&front_end, &trimmed).expect("filters");
        assert_eq!(whole.len(), rows.len().max(1));
        assert_eq!(&whole[..rows.len()], &rows[..]);
    }
}

#[test]
fn a_short_recording_has_the_frames_that_it_has() {
    let of = |n_frames: u32, statistic, n_samples: usize| {
        let front_end = SoundFront {
            n_frames_per_decision: NonZeroU32::new(n_frames).expect("not zero"),
            ..front_end(statistic, false)
        };
        hear(&front_end, &trimmed(&front_end, noise(n_samples))).expect("filters")
    };
    for statistic in [Statistic::Mean, Statistic::Variance] {
        // Frames of 256 begin every 200: three in 656 to 855 samples.
        for n_samples in [656, 657, 855] {
            assert_eq!(of(9, statistic, n_samples), of(3, statistic, 656));
        }
        assert_ne!(of(9, statistic, 655), of(3, statistic, 656));
        // Less than a frame ends in silence.
        assert_eq!(of(9, statistic, 100).len(), 1);
    }
}

#[test]
fn decisions_that_overlap_are_those_of_their_samples() {
    let front = |step| SoundFront {
        n_frames_per_decision: NonZeroU32::new(6).expect("not zero"),
        n_frames_per_step: NonZeroU32::new(step),
        n_delta_frames: 1,
        ..front_end(Statistic::Mean, false)
    };
    // Frames of 256 samples, 200 apart: six begin in 1,200 samples and end with 1,256.
    let (all, plain) = (front(2), front(0));
    for (n_samples, n_decisions) in [
        (255, 0),
        (256, 1),
        (1255, 1),
        (1655, 1),
        (1656, 2),
        (5000, 10),
    ] {
        let samples = noise(n_samples);
        let decisions = all.decisions(&samples);
        let starts: Vec<usize> = decisions.iter().map(|it| it.start).collect();
        assert_eq!(
            starts,
            (0..n_decisions).map(|at| 400 * at).collect::<Vec<_>>()
        );
        assert!(decisions.iter().all(|it| it.len() == 1200));
        let rows = hear(&all, &samples).expect("filters");
        let alone = starts.iter().map(|start| {
            let end = n_samples.min(start + 1256);
            hear(&plain, &samples[*start..end]).expect("filters")
        });
        assert_eq!(rows, alone.flatten().collect::<Vec<_>>(), "{n_samples}");
        let trimmed = trimmed(&all, samples);
        assert!(trimmed.len() >= 256);
        if n_decisions > 1 {
            assert_eq!(trimmed.len(), 400 * (n_decisions - 1) + 1256);
        }
    }
    // What is within two decisions belongs to both.
    let label = "it".to_owned();
    let intervals = [Interval {
        start: 500,
        end: 900,
        label,
    }];
    let decisions = all.decisions(&noise(2456));
    assert_eq!(
        labels_of(&decisions, &intervals, "-").join(" "),
        "it it - -"
    );
}

#[test]
fn a_trigger_opens_decisions_where_it_is_loud() {
    let trigger = Trigger {
        level: NonZeroU16::new(1000).expect("not zero"),
        n_block: NonZeroU16::new(100).expect("not zero"),
        n_before: 50,
    };
    let gated = |trigger: Trigger| SoundFront {
        trigger: Some(trigger),
        ..front_end(Statistic::Mean, false)
    };
    let front = gated(trigger);
    // Loud from 1,234 on for as long as a decision and some, and where it ends.
    let mut samples: Vec<i16> = noise(5000).iter().map(|it| it >> 12).collect();
    for at in (1234..1700).chain(4600..5000) {
        samples[at] = (samples[at] << 12) | 1;
    }
    let decisions = front.decisions(&samples);
    // The block from 1,200 on is loud by its last two thirds; the decision has two frames. At the end there is one.
    assert_eq!(decisions, [1150..1606, 1606..2062, 4512..4968]);
    let rows = hear(&front, &samples).expect("filters");
    let plain = front_end(Statistic::Mean, false);
    for (row, decision) in rows.iter().zip(&decisions) {
        let alone = hear(&plain, &samples[decision.clone()]).expect("filters");
        assert_eq!(alone, std::slice::from_ref(row));
    }
    assert_eq!(rows.len(), 3);
    // Cut so that one frame of the last decision is left, and none.
    let of = |n: usize| {
        (
            front.decisions(&samples[..n]),
            hear(&front, &samples[..n]).expect("filters").len(),
        )
    };
    assert_eq!(of(4768), (vec![1150..1606, 1606..2062, 4512..4768], 3));
    assert_eq!(of(4767), (vec![1150..1606, 1606..2062], 2));
    let all = FrontEnd::Sound(front.clone());
    assert_eq!(all.n_decisions(&samples[..4768]), (3, 2));
    // What never is so loud has no row; one less than the highest level of any block opens it.
    assert_eq!(of(1200), (vec![], 0));
    let level = all.loudest(&samples[..1200]).expect("a trigger");
    let at = |level: u16| {
        let level = NonZeroU16::new(level).expect("not zero");
        gated(Trigger { level, ..trigger })
            .decisions(&samples[..1200])
            .len()
    };
    assert!(at(level) > 0 && at(level + 1) == 0, "{level}");
    // Nothing is cut off or filled up, but to a frame.
    assert_eq!(trimmed(&front, samples.clone()), samples);
    assert_eq!(trimmed(&front, vec![1; 3]).len(), 256);
    let labels = labels_of(
        &decisions,
        &[Interval {
            start: 1300,
            end: 1500,
            label: "a".to_owned(),
        }],
        "-",
    );
    assert_eq!(labels, ["a", "-", "-"]);
}

/// The logarithms of each frame, as whole numbers.
fn logs(samples: &[i16]) -> Vec<Vec<i32>> {
    let single = SoundFront {
        n_frames_per_decision: NonZeroU32::MIN,
        ..front_end(Statistic::Maximum, false)
    };
    hear(&single, samples).expect("filters")
}

#[test]
fn cepstra_are_cosine_transforms() {
    let samples = noise(3000);
    let cepstra = SoundFront {
        n_frames_per_decision: NonZeroU32::MIN,
        n_cepstra: 12,
        ..front_end(Statistic::Maximum, false)
    };
    let rows = hear(&cepstra, &samples).expect("filters");
    let logs = logs(&samples);
    assert_eq!(rows.len(), logs.len());
    for (row, logs) in rows.iter().zip(&logs) {
        assert_eq!(row.len(), 12);
        for (k, found) in row.iter().enumerate() {
            let angle = |m: usize| std::f64::consts::PI * (k * (2 * m + 1)) as f64 / 24.0;
            let terms = logs.iter().enumerate();
            let sum: f64 = terms.map(|(m, log)| f64::from(*log) * angle(m).cos()).sum();
            let wanted = sum / if k == 0 { 12.0 } else { 6.0 };
            assert!(
                (f64::from(*found) - wanted).abs() <= 1.5,
                "{found} for {wanted}"
            );
        }
    }
    assert_eq!(cepstra.feature_names()[11], "mfcc_11");
}

#[test]
fn deltas_are_slopes_within_a_decision() {
    let samples = noise(256 + 200 * 13);
    let logs = logs(&samples);
    assert_eq!(logs.len(), 14);
    for n_side in 1..=4 {
        let deltas = |n_frames: u32| SoundFront {
            n_frames_per_decision: NonZeroU32::new(n_frames).expect("not zero"),
            statistics: vec![Statistic::Maximum, Statistic::Minimum],
            n_delta_frames: n_side,
            ..front_end(Statistic::Maximum, false)
        };
        let width = 2 * n_side + 1;
        let divisor = [2, 8, 16, 32][n_side - 1];
        let slope = |at: usize, band: usize| -> i32 {
            let terms = 1..=n_side;
            let sum: i32 = terms
                .map(|d| d as i32 * (logs[at + d][band] - logs[at - d][band]))
                .sum();
            sum.div_euclid(divisor)
        };
        // One decision of all frames.
        let front = deltas(14);
        let row = &hear(&front, &samples).expect("filters")[0];
        assert_eq!(row.len(), 4 * 12);
        for band in 0..12 {
            let slopes = || (n_side..14 - n_side).map(|at| slope(at, band));
            assert_eq!(Some(row[band]), logs.iter().map(|logs| logs[band]).max());
            assert_eq!(Some(row[24 + band]), slopes().max(), "{n_side}");
            assert_eq!(Some(row[36 + band]), slopes().min(), "{n_side}");
        }
        assert_eq!(front.feature_names()[36], "mel_0_delta_min");
        // Of as many frames as a delta takes: those of the second decision are its own.
        let rows = hear(&deltas(width as u32), &samples).expect("filters");
        assert_eq!(rows[0][24], slope(n_side, 0));
        if let Some(second) = rows.get(1) {
            assert_eq!(second[24], slope(width + n_side, 0));
        }
        // Too few frames have none.
        let short = hear(&deltas(14), &samples[..256 + 200 * (width - 2)]).expect("filters");
        assert_eq!(short[0][24..], [0; 24]);
    }
}

#[test]
fn shapes_stand_behind_bands_and_cepstra() {
    let samples = noise(256 + 200 * 13);
    let plain = SoundFront {
        n_frames_per_decision: NonZeroU32::new(6).expect("not zero"),
        statistics: vec![Statistic::Mean, Statistic::Variance],
        n_delta_frames: 1,
        ..front_end(Statistic::Mean, false)
    };
    let without = hear(&plain, &samples).expect("filters");
    let all = SoundFront {
        spectral: Spectral::ALL.to_vec(),
        ..plain.clone()
    };
    let rows = hear(&all, &samples).expect("filters");
    let names = all.feature_names();
    assert_eq!(
        [&names[11], &names[12], &names[28], &names[59]],
        [
            "mel_11_mean",
            "centroid_mean",
            "roll_off_variance",
            "flatness_delta_variance"
        ]
    );
    for (row, without) in rows.iter().zip(&without) {
        assert_eq!(row.len(), names.len());
        let bands: Vec<_> = row.chunks_exact(15).flat_map(|it| &it[..12]).collect();
        assert_eq!(bands, without.iter().collect::<Vec<_>>());
        // Noise: the middle and 85 % of what lies between 100 Hz and half of the rate.
        let [centroid, roll_off, flatness] = row[12..15] else {
            panic!("{row:?}");
        };
        assert!((12_000..23_000).contains(&centroid), "{centroid}");
        assert!((20_000..32_000).contains(&roll_off), "{roll_off}");
        assert!(flatness < 0, "{flatness}");
    }
    // One of them alone, of cepstra.
    let flat = SoundFront {
        spectral: vec![Spectral::Flatness],
        n_cepstra: 4,
        ..plain
    };
    let cepstra = hear(&flat, &samples).expect("filters");
    assert_eq!(cepstra[0][4], rows[0][14]);
    assert_eq!(flat.feature_names()[4], "flatness_mean");
}

#[test]
fn several_statistics_are_each_of_them() {
    let samples = noise(2000);
    for of_energies in [false, true] {
        let front_end = |statistics: &[Statistic]| SoundFront {
            statistics: statistics.to_vec(),
            ..front_end(Statistic::Mean, of_energies)
        };
        let (mean, max) = (Statistic::Mean, Statistic::Maximum);
        let three = front_end(&[mean, Statistic::Variance, max]);
        let rows = hear(&three, &samples).expect("filters");
        for (at, statistic) in three.statistics.iter().enumerate() {
            let alone = hear(&front_end(&[*statistic]), &samples).expect("filters");
            let kept: Vec<_> = rows
                .iter()
                .map(|row| &row[12 * at..12 * (at + 1)])
                .collect();
            assert_eq!(kept, alone, "{statistic:?}");
        }
        let names = three.feature_names();
        assert_eq!(
            [&names[0], &names[13], &names[35]],
            ["mel_0_mean", "mel_1_variance", "mel_11_max"]
        );
        assert!(!three.is_narrow() && front_end(&[mean, max]).is_narrow());
        assert_eq!(front_end(&[mean]).feature_names()[11], "mel_11");
    }
}

#[test]
fn statistics_are_what_they_say() {
    let samples = noise(2000);
    let rows = |statistic: Statistic, of_energies: bool| {
        hear(&front_end(statistic, of_energies), &samples).expect("filters")
    };
    assert_eq!(
        rows(Statistic::Maximum, true),
        rows(Statistic::Maximum, false)
    );
    assert_eq!(
        rows(Statistic::Minimum, true),
        rows(Statistic::Minimum, false)
    );
    let (most, least) = (
        rows(Statistic::Maximum, false),
        rows(Statistic::Minimum, false),
    );
    let (arithmetic, geometric) = (rows(Statistic::Mean, true), rows(Statistic::Mean, false));
    let variances = rows(Statistic::Variance, false);
    for row in 0..most.len() {
        for band in 0..12 {
            let (most, least) = (most[row][band], least[row][band]);
            assert!(least <= geometric[row][band] && geometric[row][band] <= most);
            // A logarithm is off by at most one unit.
            assert!(geometric[row][band] <= arithmetic[row][band] + 1);
            // Of two values, a quarter of the square of their distance.
            assert_eq!(variances[row][band], (most - least).pow(2) / 4);
        }
    }
}

fn scenes(snr_db: (i32, i32)) -> Scenes {
    Scenes {
        seed: 7,
        n_decisions: 50,
        n_samples_per_decision: 16_000,
        n_samples: 50 * 16_000 + 24,
        background: "background".to_owned(),
        event_share: u32::MAX,
        event_samples_max: 8_000,
        snr_db,
    }
}

#[test]
fn scenes_have_the_stated_ratios() {
    let sounds = [
        sound("background", noise(30_000)),
        sound("event", noise(9_000)),
    ];
    let quiet = Scenes {
        event_share: 0,
        ..scenes((20, 20))
    };
    // No event takes part in the background's choices here: all are drawn before the first event.
    let (silence, none) = render(&sounds, RATE, &quiet).expect("a scene");
    assert!(none.is_empty());
    let (scene, intervals) = render(&sounds, RATE, &scenes((20, 20))).expect("a scene");
    assert!(intervals.len() >= 49);
    let power = |samples: &mut dyn Iterator<Item = f64>| samples.map(|x| x * x).sum::<f64>();
    for interval in &intervals {
        let range = interval.start..interval.end;
        assert_eq!(range.len(), 8_000);
        assert_eq!(interval.start / 16_000, (interval.end - 1) / 16_000);
        let noise = &silence.samples[range.clone()];
        let both = &scene.samples[range];
        let event = power(
            &mut both
                .iter()
                .zip(noise)
                .map(|(x, y)| f64::from(*x) - f64::from(*y)),
        );
        let noise = power(&mut noise.iter().map(|x| f64::from(*x)));
        let db = 10.0 * (event / noise).log10();
        assert!((db - 20.0).abs() < 0.1, "{db} dB");
    }
}

#[test]
fn a_seed_is_a_scene() {
    let sounds = [
        sound("background", noise(30_000)),
        sound("event", noise(900)),
    ];
    let of = |seed: u64| {
        let plan = Scenes {
            seed,
            ..scenes((0, 30))
        };
        render(&sounds, RATE, &plan).expect("a scene")
    };
    assert_eq!(of(1), of(1));
    assert_ne!(of(1), of(2));
    assert!(render(&sounds[..1], RATE, &scenes((0, 1))).is_err());
    assert!(render(&sounds[1..], RATE, &scenes((0, 1))).is_err());
    assert!(render(&sounds, 8_000, &scenes((0, 1))).is_err());
}
