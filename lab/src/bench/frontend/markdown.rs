//! The report that a person reads.

use std::fmt::Write;

use spinney_report::Table;

use super::{BANK, Line};
use crate::bench::device::compiler::FLAGS;

/// The other side's packages and their versions.
const PEERS: &str = include_str!("../../../../scripts/peers/requirements.txt");

/// The report of one run: all lines, and the parts of ours by core.
pub(super) fn markdown(
    lines: &[Line],
    parts: &[(&str, [f64; 4])],
    n_frames: usize,
    [rustc, gcc, qemu]: [&str; 3],
) -> String {
    let emlearn = PEERS
        .lines()
        .find(|line| line.starts_with("emlearn"))
        .unwrap_or("emlearn");
    let mut out = format!(
        "# The front end on the device, against emlearn\n\n\
         Made by `cargo xtask bench frontend` in one run; lower is better everywhere. Both sides \
         take frames of {} samples at {} Hz to {} log-mel energies: window, FFT, power, filters \
         from {} to {} Hz on HTK's scale, log2. {n_frames} frames, the first of each signal of the \
         front end's fixtures; our features are the host's to the bit on each core.\n\n\
         - **Instructions** are the mean per frame, **instructions_max** the most of a frame: \
         executed instructions as the emulator counts them, not cycles.\n\
         - **Flash** is code and tables: ours over an image without the front end, emlearn's with \
         its measuring loop, some 0.5 KB.\n\
         - **RAM** is all static data and the deepest stack, ours with the buffer of the next frame \
         and the aggregate of a decision, emlearn's with the frame's samples.\n\n\
         *emlearn eml_audio* takes the steps of `eml_audio_melspectrogram`, which works out window \
         and filter edges for each frame anew; called as a whole it refuses every frame, since it \
         passes itself buffers that its own checks do not accept. *emlearn eml_fft, sparse \
         filterbank* is the fastest that its headers offer: window and filters from tables.\n\n\
         Steps that not every front end has are ours alone, of an image of their own on the same samples, \
         with a band-pass of two sections and a gate that stays closed; what they give is the host's to \
         the bit, too.\n\n\
         {emlearn}, {gcc}, `{}`; ours {rustc}, opt-level 3 for the front end; {qemu}.\n\n",
        BANK.n_points,
        BANK.sample_rate_hz,
        BANK.n_bands,
        BANK.f_min_hz,
        BANK.f_max_hz,
        FLAGS.join(" "),
    );
    let mut table = Table::new("case | metric | ours: | peer: | ratio: | goal: | met");
    for line in lines {
        let peer = match (line.peer, line.peer_name) {
            (Some(peer), Some(name)) => format!("{peer} ({name})"),
            _ => String::new(),
        };
        let ratio = line
            .ratio
            .map_or(String::new(), |ratio| format!("{ratio:.4}"));
        let goal = match line.goal {
            Some(goal) if line.goal_is_ratio => format!("{goal} ×"),
            Some(goal) => goal.to_string(),
            None => String::new(),
        };
        let met = match line.met {
            Some(true) => "yes",
            Some(false) => "**no**",
            None => "",
        };
        let (case, metric, ours) = (&line.case, &line.metric, &line.ours);
        table.row(&[case, metric, ours, &peer, &ratio, &goal, &met]);
    }
    let mut of_cores = Table::new("core | window, FFT: | filters, log2: | framing: | aggregation:");
    for (core, parts) in parts {
        let [transform, filters, framing, aggregation] = parts.map(f64::round);
        of_cores.row(&[core, &transform, &filters, &framing, &aggregation]);
    }
    let _ = write!(
        out,
        "{table}\nWhere our instructions go, per frame; framing and aggregation are not in the figures \
         above:\n\n{of_cores}"
    );
    out
}
