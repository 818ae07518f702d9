//! What a folder of recordings holds, and the `[dataset]` and `[frontend]` that read it.

mod heard;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use spinney_config::{Config, DataFile, Dataset as RowsConfig};
use spinney_dataset::profile::{Kind as Holds, Profile, Remark, Why};
use spinney_signal::{
    BANDS_MAX, CHANNELS_MAX, COMPRESSED_ENDINGS, Columns, MelBank, MelScale, Normalisation,
    read_list, read_motion, read_sound, sensors,
};

use heard::Heard;

pub use heard::Folder;

use super::folders::{Recording, walk};
use super::inputs::{self, Inputs, at_fault};
use super::recordings::in_short;
use crate::failure::{ExitReason, Failure};

/// Most recordings that are listened to; of more, every second, third and so on.
const HEARD_MAX: usize = 1000;
/// Most files that are tried as a list of recordings.
const LISTS_MAX: usize = 20;
/// The share of samples at full scale from which a recording clips.
const CLIPPED: f64 = 0.001;
/// The largest sample of a recording that is silent.
const SILENT: u16 = 3;

/// What recordings are of.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Sound,
    Motion,
}

/// Says what the folder at `path` holds, with a config's sections for it, which call it `shown`.
///
/// # Errors
/// No recordings, none that can be read, or nothing that says their classes; each with what to do.
pub fn folder(path: &Path, shown: &str) -> Result<Folder, Failure> {
    let full = std::path::absolute(path).input()?;
    let mut below = Vec::new();
    walk(&full, "", &mut below)?;
    let (kind, recordings) = recordings(path, &below)?;
    let motion = match kind {
        Kind::Sound => None,
        Kind::Motion => Some(Motion::of(&full.join(&recordings[0]))?),
    };
    let trial = match &motion {
        None => "sample_rate = 16000\nframe = 512\nbands = 8\ndecision_s = 1.0\n".to_owned(),
        Some(motion) => motion.frontend(64),
    };
    let mut why_not = Vec::new();
    let shown = shown.trim_end_matches('/');
    let (root, full) = (|root: &str, text: &str| text.replace("{root}", root), full);
    let whole = full.display().to_string();
    let whole = whole.trim_end_matches('/').to_owned();
    for dataset in candidates(&full, &below, &recordings, motion.as_ref()) {
        let read = |dataset: &str| read(&root(&whole, dataset), &trial);
        match read(&dataset).map(|(config, inputs)| (n_classes(&inputs), config, inputs)) {
            Ok((Some(0 | 1), ..)) => {}
            Ok((_, mut config, mut inputs)) => {
                let (unknown, known) = unknown_classes(&config, &inputs);
                let mut dataset = dataset;
                if !unknown.is_empty() {
                    dataset = known_alone(&dataset, &whole, &inputs, &known);
                    (config, inputs) = read(&dataset)
                        .ok()
                        .filter(|(config, inputs)| unknown_classes(config, inputs).0.is_empty())
                        .ok_or_else(|| nothing_trains(path, &unknown))?;
                }
                let (heard, frontend) = match &motion {
                    None => sound(&config, &inputs, &full)?,
                    Some(motion) => motion.said(&config, &inputs, &full)?,
                };
                let suspicious = heard.suspicious.iter().map(|it| it.replace(&whole, shown));
                return Ok(Folder {
                    folder: shown.to_owned(),
                    channels: motion.map_or_else(Vec::new, |it| it.channels),
                    untrained: unknown,
                    dataset: format!("[dataset]\n{}", root(shown, &dataset)),
                    frontend: format!("[frontend]\n{frontend}"),
                    files: inputs.into_files(&format!("{whole}/")).collect(),
                    heard: Heard {
                        suspicious: suspicious.collect(),
                        ..heard
                    },
                });
            }
            Err(Failure::Input(error)) => why_not.push(format!("{error:#}")),
            Err(_) => {}
        }
    }
    let why_not = why_not
        .pop()
        .map(|it| format!("\nthe last that was tried: {it}"));
    let fault = format!(
        "found {} recordings and nothing that says their classes, expected a folder per class, names such as \
         `walk_01.csv`, a CSV list with `file` and `label`, or a label track beside each, `NAME.txt`{}{}",
        recordings.len(),
        deeper(shown, &recordings).unwrap_or_default(),
        why_not.unwrap_or_default()
    );
    Err(at_fault(path, &fault))
}

/// How a config names the class of recordings that lie two folders deep.
fn deeper(shown: &str, recordings: &[String]) -> Option<String> {
    let is_deep = recordings.iter().all(|it| it.matches('/').count() == 2);
    let (_, ending) = recordings.first()?.rsplit_once('.')?;
    is_deep.then(|| {
        format!(
            "\nthey lie two folders deep: `path = \"{shown}/{{label}}/*/*.{ending}\"` in [dataset] takes the first \
             for the class, `path = \"{shown}/*/{{label}}/*.{ending}\"` the second"
        )
    })
}

/// A test of which too little is known to name its files by class.
fn nothing_trains(path: &Path, unknown: &[String]) -> Failure {
    at_fault(
        path,
        &format!(
            "found classes in the test that nothing trains: {}, expected those of the training alone; name files by \
             class, as in `test = {{ walk = \"test/walk*\" }}`",
            unknown.join(", ")
        ),
    )
}

/// The kind of most recordings below a folder, and their paths there.
fn recordings(folder: &Path, below: &[String]) -> Result<(Kind, Vec<String>), Failure> {
    let of = |endings: &[&str]| -> Vec<String> {
        let is = |path: &&String| {
            let lower = path.to_lowercase();
            let is_hidden = path.split('/').any(|name| name.starts_with('.'));
            !is_hidden && endings.iter().any(|it| lower.ends_with(it))
        };
        below.iter().filter(is).cloned().collect()
    };
    let sound = of(&[&[".wav"], &COMPRESSED_ENDINGS[..]].concat());
    if !sound.is_empty() {
        return Ok((Kind::Sound, sound));
    }
    let is_sample = |path: &String| {
        let bytes = std::fs::read(folder.join(path)).unwrap_or_default();
        sensors(&bytes).is_ok()
    };
    let mut motion = of(&[".csv", ".csv.gz"]);
    motion.extend(of(&[".json"]).into_iter().filter(is_sample));
    if let Some(first) = motion.first() {
        let bytes = std::fs::read(folder.join(first)).unwrap_or_default();
        let is_sound = sensors(&bytes).is_ok_and(|(names, _)| names.len() == 1);
        return Ok((if is_sound { Kind::Sound } else { Kind::Motion }, motion));
    }
    let mut endings: BTreeMap<&str, usize> = BTreeMap::new();
    for name in below.iter().filter(|it| !it.ends_with('/')) {
        let ending = name
            .rsplit_once('.')
            .map_or("no ending", |(_, ending)| ending);
        *endings.entry(ending).or_default() += 1;
    }
    let found: Vec<String> =
        (endings.iter().map(|(ending, n)| format!("{n} of {ending}"))).collect();
    let fault = format!(
        "found no recordings among {} files{}, expected sound in .wav, .flac, .mp3 or .ogg, which `ffmpeg -i FILE \
         OUT.wav` makes of others, or motion in .csv",
        endings.values().sum::<usize>(),
        match found.is_empty() {
            true => String::new(),
            false => format!(" ({})", found.join(", ")),
        }
    );
    Err(at_fault(folder, &fault))
}

/// Ways to read the folder `{root}`, the likeliest first.
fn candidates(
    full: &Path,
    below: &[String],
    recordings: &[String],
    motion: Option<&Motion>,
) -> Vec<String> {
    let mut all = Vec::new();
    let has = |name: &str| below.iter().any(|it| it == &format!("{name}/"));
    for (train, test) in [
        ("train", "test"),
        ("training", "testing"),
        ("Train", "Test"),
    ] {
        if has(train) && has(test) {
            all.push(format!(
                "train = \"{{root}}/{train}\"\ntest = \"{{root}}/{test}\"\n"
            ));
        }
    }
    let path = "path = \"{root}\"\n";
    let header = motion.map_or("", |it| if it.header { "" } else { "header = false\n" });
    if let Some(label) = motion.and_then(|it| it.label.as_ref()) {
        all.push(format!("{path}{header}label = {}\n", quoted(label)));
    }
    all.push(format!("{path}{header}"));
    let is_list = |name: &&String| {
        let bytes = std::fs::read(full.join(name)).unwrap_or_default();
        read_list(&bytes, None).is_ok()
    };
    let lists = below
        .iter()
        .filter(|it| it.to_lowercase().ends_with(".csv"));
    for list in lists.take(LISTS_MAX).filter(is_list) {
        all.push(format!("{path}{header}path_labels = \"{{root}}/{list}\"\n"));
    }
    let flat: Vec<(&str, &str)> = (recordings.iter())
        .filter(|it| !it.contains('/'))
        .filter_map(|it| it.rsplit_once('.'))
        .collect();
    if (flat.iter()).any(|(stem, _)| below.contains(&format!("{stem}.txt"))) {
        all.push(format!("{path}{header}path_labels = \"{{root}}/*.txt\"\n"));
    }
    let Some((_, ending)) = flat.first() else {
        return all;
    };
    for separator in ['_', '-', '.', ' '] {
        let fields = |last: bool| -> Option<usize> {
            let field = |(stem, _): &(&str, &str)| {
                let parts = if last {
                    stem.rsplit_once(separator)
                } else {
                    stem.split_once(separator)
                };
                parts.map(|(first, rest)| if last { rest } else { first }.to_owned())
            };
            let fields: Option<BTreeSet<String>> = flat.iter().map(field).collect();
            Some(fields?.len()).filter(|n| (2..=flat.len() / 2).contains(n))
        };
        if fields(false).is_some() {
            all.push(format!(
                "path = \"{{root}}/{{label}}{separator}*.{ending}\"\n{header}"
            ));
        }
        if fields(true).is_some() {
            all.push(format!(
                "path = \"{{root}}/*{separator}{{label}}.{ending}\"\n{header}"
            ));
        }
    }
    if motion.is_some() && (2..=30).contains(&flat.len()) {
        all.push(format!("path = \"{{root}}/{{label}}.{ending}\"\n{header}"));
    }
    all
}

/// A config of these sections, and the files that it names.
fn read(dataset: &str, frontend: &str) -> Result<(Config, Inputs), Failure> {
    let folder = tempfile::tempdir().environment()?;
    let path = folder.path().join("pipeline.toml");
    let text = format!(
        "[pipeline]\nname = \"seen\"\n[dataset]\n{dataset}[frontend]\n{frontend}[model]\n\
         kind = \"random-forest\"\n[target]\nchip = \"nRF52840_xxAA\"\n"
    );
    crate::store::write_whole(&path, text.as_bytes()).environment()?;
    let config = spinney_config::load(&path)?;
    let inputs = inputs::read(&config)?;
    Ok((config, inputs))
}

/// The recordings of all sides, in their order.
fn all<'i>(config: &Config, inputs: &'i Inputs) -> Vec<(&'i Recording, &'i [u8])> {
    let files = config.pipeline.dataset.files();
    files.flat_map(|file| inputs.below(&file.path)).collect()
}

/// How many classes the files themselves say; `None` where a column does.
fn n_classes(inputs: &Inputs) -> Option<usize> {
    let recordings = inputs.folders.values().flat_map(|it| &it.recordings);
    let mut labels: BTreeSet<&str> = BTreeSet::new();
    let mut n = 0;
    for it in recordings {
        n += 1;
        labels.extend(it.labels());
        // What no label covers is a class, too.
        if it.times.is_some() {
            labels.insert("background");
        }
    }
    (n == 0 || !labels.is_empty()).then_some(labels.len())
}

fn labels_of(side: &DataFile, inputs: &Inputs) -> BTreeSet<String> {
    let files = inputs.below(&side.path);
    let labels = files.map(|(it, _)| it.labels().map(str::to_owned).collect::<Vec<_>>());
    labels.flatten().collect()
}

/// Classes of the test that nothing trains, and the others of the test.
fn unknown_classes(config: &Config, inputs: &Inputs) -> (Vec<String>, Vec<String>) {
    let RowsConfig::Given {
        train: Some(train),
        test,
    } = &config.pipeline.dataset
    else {
        return (Vec::new(), Vec::new());
    };
    let known = labels_of(train, inputs);
    let of_test = labels_of(test, inputs).into_iter();
    of_test.partition(|it| !known.contains(it))
}

/// The same sides of the folder `whole`, and of the test only files of these classes, by their folders or
/// the beginnings of their names.
fn known_alone(dataset: &str, whole: &str, inputs: &Inputs, classes: &[String]) -> String {
    let Some((train, test)) = dataset.split_once("test = \"") else {
        return dataset.to_owned();
    };
    let test = test.trim_end().trim_end_matches('"');
    let of = |class: &String| {
        let mut recordings = inputs.folders.values().flat_map(|it| &it.recordings);
        // What follows the class in a path, so that `up` is not `upper`.
        let behind = recordings.find_map(|it| {
            let path = it.path.typed.strip_prefix(whole)?;
            let rest = path.strip_prefix(&format!("{}/{class}", test.replace("{root}", "")))?;
            rest.chars().next().filter(|it| !it.is_alphanumeric())
        });
        let behind = behind.map(String::from).unwrap_or_default();
        let files = quoted(&format!("{test}/{class}{behind}*"));
        format!("{} = {files}", quoted(class))
    };
    let classes: Vec<String> = classes.iter().map(of).collect();
    format!("{train}test = {{ {} }}\n", classes.join(", "))
}

/// What is said of sound, and a front end for it.
fn sound(config: &Config, inputs: &Inputs, folder: &Path) -> Result<(Heard, String), Failure> {
    let all = all(config, inputs);
    let mut heard = Heard::of("sound", &all);
    for (it, bytes) in all.iter().step_by(all.len().div_ceil(HEARD_MAX).max(1)) {
        heard.n_read += 1;
        let path = &it.path.typed;
        let recording = match read_sound(bytes) {
            Ok(recording) => recording,
            Err(error) => {
                heard.suspicious.push(format!("{path}: {error}"));
                continue;
            }
        };
        let (rate, samples) = (recording.sample_rate_hz, &recording.samples);
        heard.rates.add(rate);
        heard.seconds.push(samples.len() as f64 / f64::from(rate));
        let n_clipped = samples
            .iter()
            .filter(|it| it.unsigned_abs() >= 32_767)
            .count();
        let most = samples
            .iter()
            .map(|it| it.unsigned_abs())
            .max()
            .unwrap_or(0);
        if most <= SILENT {
            heard.suspicious.push(format!("{path}: silence"));
        } else if n_clipped as f64 > CLIPPED * samples.len() as f64 {
            let share = 100.0 * n_clipped as f64 / samples.len() as f64;
            heard.suspicious.push(format!(
                "{path}: clipped, {share:.1} % of samples at full scale"
            ));
        }
    }
    heard.check(folder)?;
    let usual: f64 = heard
        .rates
        .most()
        .and_then(|it| it.parse().ok())
        .unwrap_or(16_000.0);
    let rate = usual.min(16_000.0);
    let frame = 2_f64
        .powf((rate * 0.032).log2().round())
        .clamp(64.0, 2048.0);
    let has_filters = |n_bands: &usize| {
        let bank = MelBank {
            sample_rate_hz: rate,
            n_points: frame as usize,
            n_bands: *n_bands,
            scale: MelScale::Htk,
            normalisation: Normalisation::None,
            f_min_hz: 0.0,
            f_max_hz: rate / 2.0,
        };
        bank.table().is_ok()
    };
    let bands = [32, 24, 20, 16, 12, 8, 4];
    let bands = bands
        .into_iter()
        .filter(|it| *it <= BANDS_MAX)
        .find(has_filters)
        .unwrap_or(4);
    let resampled = if heard.rates.0.len() > 1 || usual > rate {
        "    # others are resampled"
    } else {
        ""
    };
    let decision_s = match heard.seconds.last() {
        Some(longest) if *longest <= 2.5 => ((heard.median_s() * 10.0).floor() / 10.0).max(0.1),
        _ => 1.0,
    };
    let frontend = format!(
        "sample_rate = {rate}{resampled}\nframe = {frame}\nbands = {bands}\ndecision_s = {decision_s:?}\n"
    );
    Ok((heard, frontend))
}

/// How recordings of motion are read.
struct Motion {
    channels: Vec<String>,
    label: Option<String>,
    header: bool,
    rate_hz: Option<f64>,
}

impl Motion {
    /// What the first recording says of all.
    fn of(path: &Path) -> Result<Self, Failure> {
        let bytes = std::fs::read(path).input()?;
        if let Ok((channels, rate_hz)) = sensors(&bytes) {
            return Ok(Self {
                channels,
                label: None,
                header: true,
                rate_hz: Some(rate_hz),
            });
        }
        let profile = Profile::of(&[("", &bytes)], None).map_err(|error| at_fault(path, &error))?;
        let label = profile.label.as_ref().filter(|it| it.why != Why::Integers);
        let label = label.map(|it| it.column.clone());
        let is_channel = |it: &&spinney_dataset::profile::ColumnProfile| {
            matches!(it.kind, Holds::Integers | Holds::Numbers)
                && Some(&it.name) != label.as_ref()
                && !it.is_group
                && it.n_missing == 0
                && !it.remarks.contains(&Remark::OrdersRows)
                && !spinney_signal::is_time(&it.name)
        };
        let channels = profile
            .columns
            .iter()
            .filter(is_channel)
            .map(|it| it.name.clone());
        let mut motion = Self {
            channels: channels.take(CHANNELS_MAX).collect(),
            label,
            header: profile.header,
            rate_hz: None,
        };
        if motion.channels.is_empty() {
            return Err(at_fault(
                path,
                &"found no column of readings, expected one of numbers for each channel",
            ));
        }
        motion.rate_hz = (motion.read(&bytes).ok())
            .and_then(|it| it.first()?.0)
            .and_then(|rate: f64| format!("{rate:.3e}").parse().ok());
        Ok(motion)
    }

    /// The rate of each recording of a file, and its number of samples.
    fn read(&self, bytes: &[u8]) -> Result<Vec<(Option<f64>, usize)>, spinney_dataset::DataError> {
        let columns = Columns {
            label: self.label.as_deref(),
            rate_hz: 50.0,
            dialect: self.header.into(),
            ..Columns::of(&self.channels)
        };
        let of = |it: &spinney_signal::MotionRecording<f64>| {
            let rate = it.pace.as_ref().map(|pace| pace.rate_hz);
            (rate, it.n_samples(self.channels.len()))
        };
        Ok(read_motion(bytes, &columns)?.iter().map(of).collect())
    }

    fn frontend(&self, frame: usize) -> String {
        let channels: Vec<String> = self.channels.iter().map(|it| quoted(it)).collect();
        let rate = match self.rate_hz {
            Some(rate) => rate.to_string(),
            None => "50    # samples per second: no column of times says it".to_owned(),
        };
        let bands = if frame < 64 { "bands = 0\n" } else { "" };
        format!(
            "kind = \"motion\"\nsample_rate = {rate}\nchannels = [{}]\nframe = {frame}\nhop = {}\n{bands}",
            channels.join(", "),
            frame / 2
        )
    }

    /// What is said of motion, and a front end for it.
    fn said(
        &self,
        config: &Config,
        inputs: &Inputs,
        folder: &Path,
    ) -> Result<(Heard, String), Failure> {
        let all = all(config, inputs);
        let mut heard = Heard::of("motion", &all);
        let usual = self.rate_hz.unwrap_or(50.0);
        for (it, bytes) in all.iter().step_by(all.len().div_ceil(HEARD_MAX).max(1)) {
            heard.n_read += 1;
            let path = &it.path.typed;
            match self.read(bytes) {
                Ok(found) => {
                    for (rate, n_samples) in found {
                        if let Some(rate) = rate {
                            let told = in_short(rate);
                            if (rate / usual - 1.0).abs() > 0.02 {
                                let fault = format!("{path}: {told} samples per second");
                                heard.suspicious.push(fault);
                            }
                            heard.rates.add(told);
                        }
                        heard.seconds.push(n_samples as f64 / usual);
                    }
                }
                Err(error) => heard.suspicious.push(format!("{path}: {error}")),
            }
        }
        heard.check(folder)?;
        let most = (heard.median_s() * usual).min(2.0 * usual).max(2.0);
        let frame = match most as usize {
            n @ ..64 => n & !1,
            n => (1 << n.ilog2()).min(2048),
        };
        let frontend = self.frontend(frame);
        Ok((heard, frontend))
    }
}

/// A string of TOML, which one of JSON is, but that TOML has no DEL in it.
pub fn quoted(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.replace('\u{7f}', "\\u007f")
}
