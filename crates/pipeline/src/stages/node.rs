//! What the config says of the node, put together with what the run measured.

use spinney_config::{Config, Frontend};
use spinney_evaluate::{DeviceRun, Listening, Part, Plan, RowBytes, Step, Work};

use super::quantize::Summary as Quantized;
use super::run::RunResult;

/// What a front end has between the sensor and the readings, averaged over time; nothing without
/// one.
pub fn front(config: &Config, quantized: &Quantized) -> Vec<Step> {
    let Some(frontend) = &config.pipeline.frontend else {
        return Vec::new();
    };
    let Some(decisions_per_hour) = decisions_per_hour(config, quantized) else {
        return Vec::new();
    };
    let decisions_per_second = decisions_per_hour / 3600.0;
    let frontend = match frontend {
        Frontend::Audio(audio) => audio,
        Frontend::Motion(motion) => {
            let samples_per_second = match motion.trigger {
                Some(_) => motion.sample_rate_hz,
                None => f64::from(motion.hop.get()) * decisions_per_second,
            };
            return vec![Step {
                name: "samples".to_owned(),
                bytes_per_second: 2.0 * motion.channels.len() as f64 * samples_per_second,
            }];
        }
    };
    let n_frames = frontend
        .n_frames_per_step
        .unwrap_or(frontend.n_frames_per_decision);
    let n_frames = f64::from(n_frames.get());
    let per_second = |bytes_of_a_frame: f64| n_frames * bytes_of_a_frame * decisions_per_second;
    let step = |name: &str, bytes_per_second: f64| Step {
        name: name.to_owned(),
        bytes_per_second,
    };
    let samples = match frontend.trigger {
        Some(_) => 2.0 * f64::from(frontend.sample_rate_hz),
        None => per_second(2.0 * f64::from(frontend.hop.get())),
    };
    vec![
        step("samples", samples),
        step(
            "bands of frames",
            per_second(2.0 * f64::from(frontend.n_bands)),
        ),
    ]
}

/// What the microphone delivers where something brings that down to the samples of the front end.
pub fn sensor(config: &Config, front: &[Step]) -> Option<Step> {
    let Some(Frontend::Audio(audio)) = &config.pipeline.frontend else {
        return None;
    };
    // It listens for as long as the front end does.
    let samples = front.first()?;
    let ratio = f64::from(audio.microphone_rate_hz?) / f64::from(audio.sample_rate_hz);
    Some(Step {
        name: "microphone".to_owned(),
        bytes_per_second: samples.bytes_per_second * ratio,
    })
}

/// How often the node decides: as the config says, or as often as a trigger opens decisions in the test
/// recordings; `None` without `[power]`.
fn decisions_per_hour(config: &Config, quantized: &Quantized) -> Option<f64> {
    let pipeline = &config.pipeline;
    let of_recordings = || {
        let rate = match pipeline.frontend.as_ref()? {
            Frontend::Audio(audio) => audio.sample_rate_hz.into(),
            Frontend::Motion(motion) => motion.sample_rate_hz,
        };
        Some(quantized.triggered?.decisions_per_hour(rate))
    };
    pipeline.power?.decisions_per_hour.or_else(of_recordings)
}

/// Of a core without a timing table: a Cortex-M0 takes one cycle for instructions on registers, two for
/// loads and stores, three for taken branches.
const CYCLES_PER_INSTRUCTION: f64 = 2.0;

/// What a decision of this run takes, in cycles of the core's timing table if `by_table`.
fn work(run: &DeviceRun, by_table: bool) -> Work {
    let cycles = run.cycles.as_ref().filter(|_| by_table);
    let part = |instructions: f64, cost: Option<f64>| Part {
        instructions,
        cycles: cost.map(|per_instruction| per_instruction * instructions),
    };
    let (all, codes) = (run.instructions.mean, run.instructions_from_codes.mean);
    let of_codes = part(codes, cycles.map(|it| it.from_codes.per_instruction()));
    let of_all = part(all, cycles.map(|it| it.from_readings.per_instruction()));
    let heard = run.heard.as_deref();
    Work {
        front: part(
            heard.map_or(0.0, |heard| heard.instructions.mean),
            cycles.and_then(|it| Some(it.front?.per_instruction())),
        ),
        coding: Part {
            instructions: all - codes,
            cycles: of_all
                .cycles
                .zip(of_codes.cycles)
                .map(|(all, codes)| all - codes),
        },
        inference: of_codes,
        quiet: heard.and_then(|it| it.quiet).map(|quiet| {
            let front = cycles.and_then(|it| Some(it.front?.per_instruction()));
            part(quiet.instructions_per_sample, front)
        }),
    }
}

/// The node's plan; `None` where the config does not say how often it decides.
pub fn plan<'a>(
    config: &Config,
    (sensor, front): (Option<&'a Step>, &'a [Step]),
    quantized: &Quantized,
    n_classes: usize,
    result: &RunResult,
) -> Option<Plan<'a>> {
    let pipeline = &config.pipeline;
    let power = pipeline.power.as_ref()?;
    let on_board = pipeline.target.measured.as_ref();
    let measured = power
        .cycles_per_instruction
        .or(on_board.map(spinney_config::Measured::cycles_per_instruction));
    let code_bytes = u64::from(quantized.code_bits).div_ceil(8);
    let readings = &quantized.features;
    Some(Plan {
        front,
        sensor,
        slower_s: match &pipeline.frontend {
            Some(Frontend::Audio(audio)) => audio.ladder_s,
            _ => None,
        },
        row: RowBytes {
            readings: readings.iter().map(|it| it.sensor.n_bytes() as u64).sum(),
            codes: readings.iter().filter(|it| it.is_used()).count() as u64 * code_bytes,
            n_classes: n_classes as u64,
        },
        power: *power,
        decisions_per_hour: decisions_per_hour(config, quantized)?,
        listening: match &pipeline.frontend {
            Some(Frontend::Audio(audio)) if audio.trigger.is_some() => Some(Listening {
                samples_per_hour: 3600.0 * f64::from(audio.sample_rate_hz),
                samples_per_decision: f64::from(audio.n_frames_per_decision.get() - 1)
                    * f64::from(audio.hop.get())
                    + f64::from(audio.n_points),
            }),
            Some(Frontend::Motion(motion)) if motion.trigger.is_some() => Some(Listening {
                samples_per_hour: 3600.0 * motion.sample_rate_hz,
                samples_per_decision: motion.n_samples.into(),
            }),
            _ => None,
        },
        cycles_per_instruction: measured.unwrap_or(CYCLES_PER_INSTRUCTION),
        work: result.ran().map(|run| work(run, measured.is_none())),
        uplink: pipeline.uplink,
    })
}
