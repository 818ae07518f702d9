//! Rows of a pipeline with a front end: recordings, by class or with label files, or scenes of them,
//! through the device's own code.

use anyhow::anyhow;
use spinney_config::{
    AggregateOf, AudioFrontend, Config, DataFile, Frontend, Labels, Scenes as ScenesConfig,
};
use spinney_dataset::Budget;
use spinney_signal::{
    BANDS_MAX, FrontEnd, Interval, MelBank, Pace, Recording, Scenes, Sound, SoundFront,
    check_within, hear, intervals_csv, labels_of, most, read_intervals, read_sound, render,
    trimmed, wav_bytes,
};

use super::inputs::{Inputs, PipelineRows, at_fault};
use super::motion;
use super::recordings::{self, Divided, Heard, Recordings, Resampled, Side, division};
use crate::failure::{ExitReason, Failure};
use crate::{places, store};

/// A stretch of samples, heard from its start on.
struct Stretch {
    samples: Vec<i16>,
    told: Told,
}

/// What is told of a stretch.
enum Told {
    /// The class of all its decisions.
    Class(String),
    /// Labels at times.
    Times(Vec<Interval>),
}

/// A recording of one class, or with labels at times.
#[derive(Clone)]
struct Labelled {
    sound: Sound,
    intervals: Option<Vec<Interval>>,
}

/// The front end of a config, if it has one.
pub fn front_end(config: &Config) -> Result<Option<FrontEnd>, Failure> {
    let (front_end, fault, help) = match &config.pipeline.frontend {
        None => return Ok(None),
        Some(Frontend::Audio(audio)) => {
            let sound = sound_front(audio);
            let fault = sound.table().err();
            let help = "fewer `bands`, a longer `frame` or a higher `f_min`";
            (FrontEnd::Sound(sound), fault, help)
        }
        Some(Frontend::Motion(motion)) => {
            let motion = motion::front(motion);
            let fault = motion.table().err();
            let help = "fewer `bands`, or a longer `frame`";
            (FrontEnd::Motion(motion), fault, help)
        }
    };
    match fault {
        None => Ok(Some(front_end)),
        Some(error) => {
            let message = format!("there are no such filters: {error}");
            config.refuse("frontend", message, Some(help))
        }
    }
}

fn sound_front(frontend: &AudioFrontend) -> SoundFront {
    SoundFront {
        bank: MelBank {
            sample_rate_hz: f64::from(frontend.sample_rate_hz),
            n_points: usize::from(frontend.n_points),
            n_bands: (frontend.n_bands as usize).min(BANDS_MAX),
            scale: frontend.scale,
            normalisation: frontend.normalisation,
            f_min_hz: frontend.f_min_hz,
            f_max_hz: frontend.f_max_hz,
        },
        filter: frontend.filter,
        window: frontend.window,
        hop: frontend.hop,
        n_frames_per_decision: frontend.n_frames_per_decision,
        n_frames_per_step: frontend.n_frames_per_step,
        statistics: frontend.aggregates.clone(),
        of_energies: frontend.aggregate_of == AggregateOf::Energies,
        n_cepstra: frontend.n_cepstra as usize,
        spectral: frontend.spectral.clone(),
        n_delta_frames: frontend.n_delta_frames as usize,
        trigger: frontend.trigger,
    }
}

/// Rows of features for training and test, and the samples behind the test rows.
pub(super) fn rows(
    config: &Config,
    inputs: &Inputs,
    frontend: &Frontend,
) -> Result<PipelineRows, Failure> {
    // Filters that cannot be are a fault before any recording is read.
    front_end(config)?;
    let frontend = match frontend {
        Frontend::Audio(audio) => audio,
        Frontend::Motion(motion) => return motion::rows(config, inputs, motion),
    };
    let front_end = sound_front(frontend);
    let sides = Sides {
        config,
        inputs,
        frontend,
        front_end: &front_end,
    };
    recordings::rows(config, inputs, &sides)
}

struct Sides<'a> {
    config: &'a Config,
    inputs: &'a Inputs,
    frontend: &'a AudioFrontend,
    front_end: &'a SoundFront,
}

impl Recordings for Sides<'_> {
    type Recording = Stretch;

    /// Recordings in folders by class, divided so that each is on one side only.
    fn divided(&self, file: &DataFile, test_fraction: f64) -> Result<Divided<Stretch>, Failure> {
        if !file.is_many() {
            let message = format!("{} is one recording, which is not divided", file.path.typed);
            let help = "name a folder with a folder of recordings per class, or `train` and `test`";
            return self.config.refuse("dataset.path", message, Some(help));
        }
        let (sounds, notes) = self.sounds(file)?;
        let background = self.frontend.background.as_str();
        let label = |it: &Labelled| match &it.intervals {
            Some(intervals) => most(intervals).unwrap_or(background).to_owned(),
            None => it.sound.class.clone(),
        };
        let (train, test) = division(self.config, file, &sounds, label, test_fraction)?;
        let train = self.of_sounds(train, "train")?;
        Ok((train, self.of_sounds(test, "test")?, notes))
    }

    /// One side that is given for itself.
    fn side(&self, file: &DataFile, side: &str) -> Result<Side<Stretch>, Failure> {
        if file.is_many() {
            let (sounds, notes) = self.sounds(file)?;
            return Ok((self.of_sounds(sounds, side)?, notes));
        }
        let Labels::File(labels) = &file.labels else {
            let message = format!("{} is one recording, and has no labels", file.path.typed);
            let help = format!(
                "name its labels as `{side}_labels`: a CSV with `start` and `end` in seconds and `label`"
            );
            let place = format!("dataset.{side}");
            return self.config.refuse(&place, message, Some(&help));
        };
        let mut resampled = self.resampled(file);
        let bytes = self.inputs.bytes(&file.path);
        let recording = self.recording(&file.path.typed, bytes, &mut resampled)?;
        let intervals = read_intervals(self.inputs.bytes(labels), recording.sample_rate_hz.into())
            .map_err(|error| at_fault(&labels.full, &error))?;
        check_within(
            &intervals,
            recording.samples.len(),
            self.front_end.n_samples_per_decision(),
            recording.sample_rate_hz.into(),
        )
        .map_err(|error| at_fault(&labels.full, &error))?;
        let notes = resampled.note().into_iter().collect();
        Ok((vec![self.labelled(recording, intervals)], notes))
    }

    fn front(&self) -> FrontEnd {
        FrontEnd::Sound(self.front_end.clone())
    }

    fn heard(&self, stretch: &Stretch) -> Result<Heard, Failure> {
        let decisions = self.front_end.decisions(&stretch.samples);
        let labels = match &stretch.told {
            Told::Class(class) => vec![class.clone(); decisions.len()],
            Told::Times(intervals) => labels_of(&decisions, intervals, &self.frontend.background),
        };
        let rows = hear(self.front_end, &stretch.samples).input()?;
        Ok(Heard {
            rows,
            labels,
            decisions,
        })
    }

    fn samples(stretch: &Stretch) -> &[i16] {
        &stretch.samples
    }
}

impl Sides<'_> {
    fn labelled(&self, recording: Recording, intervals: Vec<Interval>) -> Stretch {
        Stretch {
            samples: trimmed(self.front_end, recording.samples),
            told: Told::Times(intervals),
        }
    }

    /// Each recording for itself, or a scene of all.
    fn of_sounds(&self, all: Vec<Labelled>, side: &str) -> Result<Vec<Stretch>, Failure> {
        if let Some(scenes) = &self.config.pipeline.scenes {
            if all.iter().any(|it| it.intervals.is_some()) {
                let message = "the recordings have labels with times, of which no scenes are made";
                let help = "recordings of one class each, or no `[scenes]`";
                return self.config.refuse("scenes", message, Some(help));
            }
            let sounds: Vec<Sound> = all.into_iter().map(|it| it.sound).collect();
            return self.scene(&sounds, scenes, side);
        }
        Ok(all
            .into_iter()
            .map(|Labelled { sound, intervals }| Stretch {
                samples: trimmed(self.front_end, sound.recording.samples),
                told: intervals.map_or(Told::Class(sound.class), Told::Times),
            })
            .collect())
    }

    fn scene(
        &self,
        sounds: &[Sound],
        scenes: &ScenesConfig,
        side: &str,
    ) -> Result<Vec<Stretch>, Failure> {
        let seed = self.config.pipeline.identity.seed;
        let (seed, n_decisions) = match side {
            "train" => (seed.wrapping_mul(2), scenes.train_decisions),
            _ => (seed.wrapping_mul(2).wrapping_add(1), scenes.test_decisions),
        };
        let n_decisions = n_decisions as usize;
        let rate = self.frontend.sample_rate_hz;
        let per_decision = self.front_end.n_samples_per_decision();
        // Casts: a share below 1 of 2^32; seconds saturate.
        let (event_share, event_samples_max) = (
            (scenes.event_share * 4_294_967_296.0) as u32,
            (scenes.event_s * f64::from(rate)).round() as usize,
        );
        let n_samples = (n_decisions - 1) * self.front_end.n_samples_per_step()
            + per_decision.max(self.front_end.n_samples_heard());
        let plan = Scenes {
            seed,
            // An event in each, in turn, whether or not further ones overlap them.
            n_decisions: n_decisions.min(n_samples / per_decision),
            n_samples_per_decision: per_decision,
            n_samples,
            background: self.frontend.background.clone(),
            event_share,
            event_samples_max: event_samples_max.max(1),
            snr_db: scenes.snr_db,
        };
        let (recording, intervals) = render(sounds, rate, &plan)
            .map_err(|error| Failure::Input(anyhow!("the {side} side, {error}")))?;
        let folder = places::artifacts(self.config)?.join("scenes");
        let wav = wav_bytes(&recording).input()?;
        store::write_whole(&folder.join(format!("{side}.wav")), &wav).environment()?;
        let csv = intervals_csv(&intervals, rate);
        store::write_whole(&folder.join(format!("{side}.csv")), csv.as_bytes()).environment()?;
        Ok(vec![self.labelled(recording, intervals)])
    }

    /// The recordings of a folder, in the order of their names, or several.
    fn sounds(&self, file: &DataFile) -> Result<Side<Labelled>, Failure> {
        let mut sounds = Vec::new();
        let mut resampled = self.resampled(file);
        for (it, bytes) in self.inputs.below(&file.path) {
            let recording = self.recording(&it.path.typed, bytes, &mut resampled)?;
            let (n_samples, rate) = (recording.samples.len(), recording.sample_rate_hz.into());
            let slack = self.front_end.n_samples_per_decision();
            let intervals = it.intervals(n_samples, slack, rate).transpose()?;
            let class = match &intervals {
                Some(_) => String::new(),
                None => it.class()?.to_owned(),
            };
            let sound = Sound { class, recording };
            sounds.push(Labelled { sound, intervals });
        }
        if sounds.is_empty() {
            return Err(self.inputs.no_recordings(&file.path, ".wav"));
        }
        Ok((sounds, resampled.note().into_iter().collect()))
    }

    fn resampled(&self, file: &DataFile) -> Resampled {
        // A third of the least that two rates differ by, which are whole numbers.
        let slack = 1e-6;
        let rate_hz = self.frontend.sample_rate_hz.into();
        Resampled::to(rate_hz, slack, file.recorded.rates)
    }

    /// A recording at the device's rate.
    fn recording(
        &self,
        path: &str,
        bytes: &[u8],
        resampled: &mut Resampled,
    ) -> Result<Recording, Failure> {
        let blame = |error| Failure::Input(anyhow!("{path}: {error}"));
        let recording = read_sound(bytes).map_err(blame)?;
        let pace = Pace {
            rate_hz: recording.sample_rate_hz.into(),
            source: "its header".to_owned(),
            is_stated: true,
        };
        match resampled.change(path, &pace)? {
            None => Ok(recording),
            Some(_) => recording
                .at_rate(self.frontend.sample_rate_hz, &Budget::of(bytes.len()))
                .map_err(blame),
        }
    }
}
