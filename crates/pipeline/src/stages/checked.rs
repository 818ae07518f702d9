//! The checker at work: the last step of `run`, the gate `certificate`, and `certificate verify`.

use anyhow::{Context, anyhow};
use serde::{Deserialize, Serialize};
#[cfg(test)]
use spinney_checker::How;
use spinney_checker::{Claim, Edges, Fault, Findings, Kept, Memory, check, edge_rows};
use spinney_evaluate::{Answer, Outputs, Quantity, Verdict};
use spinney_model::FloatModel;

use super::build::{Built, build_one, verify_elf};
use super::candidates::{Candidate, Form};
use super::claim::{Claims, readings, row_bytes, stops_for_certain};
use super::quantize::{CLAIMS, EXACT_ROWS, OUTLIERS, ROWS};
use super::{FoundEmulator, Session, model, outliers, shrink};
use crate::emulator::Ended;
use crate::failure::{ExitReason, Failure};
use crate::image::Transport;
use crate::store::Finished;

/// What the checker found.
pub const CHECKED: &str = "checked.json";

/// Rows that an image is asked at the most; splits beyond them are counted.
const ROWS_MAX: usize = 40_000;
/// Rows that an image is asked in one run of the emulator.
const ROWS_PER_RUN: usize = 4_000;

/// What the checker found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Checked {
    /// Of the image that ships.
    pub image: Findings,
    /// Of the C header beside it.
    pub header: Option<Findings>,
    /// What an image was asked, where tables do not say it all.
    pub asked: Option<Asked>,
    /// Of the promise of a model that was made smaller.
    pub promise: Option<Kept>,
}

/// Rows on both sides of splits, as an image answered them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Asked {
    /// Rows that were asked.
    pub rows: usize,
    /// Splits both of whose sides were asked.
    pub splits: usize,
    /// Splits one of whose sides no reading reaches.
    pub one_sided: usize,
    /// Splits left out, as there would be too many rows.
    pub left_out: usize,
    /// Rows whose class or votes are not float's with thresholds and leaves rounded.
    pub mismatches: usize,
    /// Why the image could not be asked.
    pub failed: Option<String>,
    /// Whether the config does without an emulator, and there is none.
    pub not_required: bool,
}

pub(super) struct Subject<'a> {
    pub product: &'a [u8],
    pub index: usize,
    pub candidates: &'a [Candidate],
    /// The text of its C99 header, where there is one.
    pub header: Option<&'a str>,
    pub emulator: Option<&'a FoundEmulator>,
}

pub(super) fn run(session: &Session, subject: &Subject<'_>) -> Result<Checked, Failure> {
    session
        .progress
        .doing("checking every split in the image anew");
    let quantized = session.made("quantize")?;
    let float = model::load(session)?;
    let digest = model::digest(session)?;
    let mut claims: Vec<Claims> = quantized.read_json(CLAIMS)?;
    let claims = claims.swap_remove(subject.index);
    let rows = exact_rows(&quantized, &claims.image)?;
    let detector = detector(&quantized)?;
    let found = |claim: &Claim, [memory, of_outliers]: [Result<Memory, String>; 2]| {
        let mut found = match memory {
            Ok(memory) => check(&float, &digest, claim, &memory, &rows),
            Err(error) => Findings::unreadable(&error),
        };
        if let Some(detector) = &detector {
            let of_part = outliers::checked((&float, claim), detector, of_outliers, &rows);
            found.join("the outliers", of_part);
        }
        found
    };
    let image = [Memory::of_elf, Memory::of_outliers].map(|read| read(subject.product));
    let image = found(&claims.image, image);
    let header = subject.candidates[subject.index].header.as_ref();
    let header = header.zip(subject.header).zip(claims.header);
    let header = header.map(|((header, text), claim)| {
        let of_outliers = format!("{}_outliers", header.prefix);
        let memory = [&header.prefix, &of_outliers];
        found(&claim, memory.map(|prefix| Memory::of_header(text, prefix)))
    });
    let is_asked = !float.trees().is_empty() && image.holds() && !image.notes.is_empty();
    let models = (&float, &claims.image, detector.as_ref(), &*rows);
    let asked = is_asked.then(|| ask(session, subject, models));
    Ok(Checked {
        image,
        header,
        asked: asked.transpose()?,
        promise: shrink::kept(session, &float)?,
    })
}

/// The test rows in float64: those that the device gets, unless it gets fewer digits.
pub fn exact_rows(quantized: &Finished, claim: &Claim) -> Result<Vec<f64>, Failure> {
    let exact = quantized.read(EXACT_ROWS)?;
    if !exact.is_empty() {
        let rows = exact.as_chunks().0.iter();
        return Ok(rows.map(|it| f64::from_le_bytes(*it)).collect());
    }
    Ok(readings(claim, &quantized.read(ROWS)?))
}

/// Asks the verify image, or images, of the form that ships.
fn ask(
    session: &Session,
    subject: &Subject<'_>,
    (model, claim, detector, rows): (&FloatModel, &Claim, Option<&FloatModel>, &[f64]),
) -> Result<Asked, Failure> {
    let edges = match edges(model, claim, detector, rows) {
        Ok(edges) => edges,
        Err(error) => {
            return Ok(Asked {
                failed: Some(error.to_string()),
                ..Asked::default()
            });
        }
    };
    let mut asked = Asked::of(&edges);
    let Some(emulator) = subject.emulator else {
        asked.not_required = true;
        return Ok(asked);
    };
    // Where a walk stops early, the same form that does not tells the votes.
    let scores_from = subject.candidates[subject.index].scores_from;
    let own = Some(subject.index).filter(|_| stops_for_certain(claim) || scores_from.is_none());
    for index in [own, scores_from].into_iter().flatten() {
        let elf = session.made("build")?.read(&verify_elf(index))?;
        let about = (&subject.candidates[index], claim, &edges);
        ask_image(session, emulator, &elf, about, &mut asked)?;
    }
    Ok(asked)
}

/// The detector beside the classifier, if there is one.
pub fn detector(quantized: &Finished) -> Result<Option<FloatModel>, Failure> {
    let text: Option<String> = quantized.read_json(OUTLIERS)?;
    let model = text.map(|text| FloatModel::from_json(text.as_bytes()));
    model.transpose().environment()
}

fn edges(
    model: &FloatModel,
    claim: &Claim,
    detector: Option<&FloatModel>,
    rows: &[f64],
) -> Result<Edges, Fault> {
    let zeros = vec![0.0; model.schema().n_features()];
    let base = rows.get(..zeros.len()).unwrap_or(&zeros);
    edge_rows(model, claim, detector, base, ROWS_MAX)
}

/// What the verify image of `candidate` answers to these rows.
fn outputs(candidate: &Candidate, edges: &Edges) -> Outputs {
    let n_classes = edges.scores.first().map_or(0, Vec::len);
    Outputs {
        n_features: edges.rows.first().map_or(0, Vec::len),
        n_classes,
        class_only: candidate.early_exit,
        n_probabilities: usize::from(candidate.has_probabilities) * n_classes,
    }
}

fn ask_image(
    session: &Session,
    emulator: &FoundEmulator,
    elf: &[u8],
    (candidate, claim, edges): (&Candidate, &Claim, &Edges),
    asked: &mut Asked,
) -> Result<(), Failure> {
    let outputs = outputs(candidate, edges);
    for (number, rows) in edges.rows.chunks(ROWS_PER_RUN).enumerate() {
        let doing = "asking the image about both sides of every split";
        session.progress.doing(doing);
        let bytes: Vec<u8> = rows.iter().flat_map(|row| row_bytes(claim, row)).collect();
        let run = emulator.of(session).run(elf, &bytes)?;
        let from = number * ROWS_PER_RUN;
        let answers = match run.ended {
            Ended::NotRun(reason) | Ended::Failed(reason) => Err(reason),
            Ended::Outcomes(bytes) => mismatches(&bytes, outputs, edges, from..from + rows.len()),
        };
        match answers {
            Ok(n) => asked.mismatches += n,
            Err(reason) => {
                asked.failed = Some(reason);
                break;
            }
        }
    }
    Ok(())
}

/// Asks an image of `form`, built here, about both sides of every split of the form `index`
/// of the last run.
pub fn ask_anew(session: &Session, form: &Form, index: usize) -> Result<Asked, Failure> {
    let emulator = session.emulator()?;
    let emulator = emulator.context("no emulator is here").environment()?;
    let built = Built {
        name: "planted".to_owned(),
        folder: "planted",
        form,
        transport: Transport::Verify,
        takes_samples: false,
    };
    let elf = build_one(session, built)?;
    let quantized = session.made("quantize")?;
    let mut claims: Vec<Claims> = quantized.read_json(CLAIMS)?;
    let claim = claims.swap_remove(index).image;
    let float = model::load(session)?;
    if float.trees().is_empty() {
        return Err(Failure::Input(anyhow!("naive Bayes has no splits")));
    }
    let detector = detector(&quantized)?;
    let rows = exact_rows(&quantized, &claim)?;
    let edges = edges(&float, &claim, detector.as_ref(), &rows)
        .map_err(|error| Failure::Input(anyhow!("{error}")))?;
    let mut asked = Asked::of(&edges);
    let about = (&form.about, &claim, &edges);
    ask_image(session, emulator, &elf, about, &mut asked)?;
    Ok(asked)
}

impl Asked {
    fn of(edges: &Edges) -> Self {
        Self {
            rows: edges.rows.len(),
            splits: edges.splits,
            one_sided: edges.one_sided,
            left_out: edges.left_out,
            ..Self::default()
        }
    }
}

/// How many of these rows an image answers otherwise.
fn mismatches(
    bytes: &[u8],
    outputs: Outputs,
    edges: &Edges,
    rows: std::ops::Range<usize>,
) -> Result<usize, String> {
    let (_, answers) = outputs
        .answers(bytes, rows.len())
        .map_err(|error| error.to_string())?;
    let differs = |(row, answer): &(usize, Answer)| {
        answer.outcome.class as usize != edges.classes[*row]
            || (!outputs.class_only && answer.scores != edges.scores[*row])
    };
    Ok(rows.zip(answers).filter(differs).count())
}

fn faults_of(found: &Findings) -> Vec<String> {
    let faults = found.faults.iter();
    let mut lines: Vec<String> = faults.map(|fault| format!("    fault: {fault}")).collect();
    if found.n_faults > found.faults.len() {
        let more = found.n_faults - found.faults.len();
        lines.push(format!("    faults not shown: {more}"));
    }
    lines
}

impl Checked {
    /// Whether the checker passed, and left nothing open that a config asks for.
    pub fn passes(&self) -> bool {
        self.holds() && self.unknown().is_none()
    }

    /// A promise of which nobody knows whether it holds.
    fn unknown(&self) -> Option<&Kept> {
        self.promise.as_ref().filter(|kept| !kept.is_whole())
    }

    /// Whether nothing was refuted.
    fn holds(&self) -> bool {
        self.image.holds()
            && self.header.as_ref().is_none_or(Findings::holds)
            && self.promise.as_ref().is_none_or(|it| it.found.holds())
            && self
                .asked
                .as_ref()
                .is_none_or(|asked| asked.mismatches == 0 && asked.failed.is_none())
    }

    /// Why the image's answers are no lasting result, if they are none.
    pub(super) fn failed(&self) -> Option<&str> {
        let asked = self.asked.as_ref()?;
        let differs =
            (asked.mismatches > 0).then_some("the image answered rows at splits otherwise");
        asked.failed.as_deref().or(differs)
    }

    /// Whether all of it could be looked at.
    pub fn is_whole(&self) -> bool {
        self.unknown().is_none() && self.asked.as_ref().is_none_or(|asked| !asked.not_required)
    }

    /// In words, a line each.
    pub fn text(&self, name: &str) -> String {
        let mut lines = vec![format!("certificate of {name}")];
        let images = [
            ("image", Some(&self.image)),
            ("C header", self.header.as_ref()),
        ];
        for (what, found) in images {
            let Some(found) = found else { continue };
            lines.push(format!(
                "  {what}: {} splits, {} decisions of a split and a code, {} leaves or terms, {} rows",
                found.splits, found.decisions, found.leaves, found.rows
            ));
            lines.extend(found.notes.iter().map(|note| format!("    {note}")));
            lines.extend(faults_of(found));
        }
        if let Some(kept) = &self.promise {
            lines.push(format!("  smaller model: {kept}"));
            lines.extend(faults_of(&kept.found));
        }
        if let Some(asked) = &self.asked {
            lines.push(match (&asked.failed, asked.not_required) {
                (Some(failed), _) => format!("  asked: failed, {failed}"),
                (None, true) => "  asked: not measured, there is no emulator".to_owned(),
                (None, false) => format!(
                    "  asked: {} rows on both sides of {} splits, {} answered otherwise; {} splits have one \
                     side, {} left out",
                    asked.rows, asked.splits, asked.mismatches, asked.one_sided, asked.left_out
                ),
            });
        }
        lines.push(format!(
            "  {}",
            match (self.holds(), self.unknown(), self.is_whole()) {
                (false, ..) => "refuted",
                (true, Some(_), _) => "not refuted, and unknown for the smaller model",
                (true, None, true) => "holds",
                (true, None, false) => "not refuted, and not measured in full",
            }
        ));
        lines.join("\n") + "\n"
    }

    /// The gate.
    pub fn verdict(&self) -> Verdict {
        let asked = self.asked.as_ref();
        let header = self.header.as_ref();
        let promise = self.promise.as_ref().map(|kept| &kept.found);
        let n_faults = self.image.n_faults
            + promise.map_or(0, |promise| promise.n_faults)
            + header.map_or(0, |header| header.n_faults)
            + asked.map_or(0, |asked| asked.mismatches);
        let failed = asked.and_then(|asked| asked.failed.as_deref());
        let first = self.image.faults.first().map(ToString::to_string);
        let first = first
            .or(promise.and_then(|promise| promise.faults.first().map(ToString::to_string)))
            .or(header.and_then(|header| Some(format!("the C header: {}", header.faults.first()?))))
            .or(failed.map(|failed| format!("the image could not be asked: {failed}")))
            .or((n_faults > 0)
                .then(|| "the image answers rows next to thresholds otherwise".to_owned()));
        let note = match (first, self.unknown()) {
            (Some(first), _) => Some(format!(
                "{first}; the checker refutes the certificate, which is a fault of Spinney or of these files; \
                 `cargo xtask certificate verify` has the rest"
            )),
            (None, Some(kept)) => Some(format!(
                "the promise of the smaller model is {kept}; fewer or shallower trees, or another `shrink`, \
                 leave less to compare"
            )),
            (None, None) if !self.is_whole() => Some(
                "not measured: what is code has to be run, and the config does not require the emulator".to_owned(),
            ),
            (None, None) => None,
        };
        Verdict {
            gate: "certificate".to_owned(),
            limit: Quantity::Count(0),
            found: (failed.is_none() && self.is_whole())
                .then_some(Quantity::Count(n_faults as u64)),
            pass: self.passes(),
            note,
        }
    }
}

/// What the checker could not decide is no pass: the gate has no finding, and says so.
#[test]
fn a_promise_that_is_unknown_does_not_pass() {
    let checked = |how| Checked {
        image: Findings::default(),
        header: None,
        asked: None,
        promise: Some(Kept {
            how,
            found: match how {
                How::Refuted => Findings::unreadable("it parts"),
                _ => Findings::default(),
            },
        }),
    };
    let whole = checked(How::Boxes(7));
    assert!(whole.passes() && whole.is_whole() && whole.verdict().pass);
    assert!(whole.text("x").ends_with("\n  holds\n"));
    let unknown = checked(How::Unknown(7, 9));
    assert!(!unknown.passes() && !unknown.is_whole());
    let verdict = unknown.verdict();
    assert_eq!((verdict.found, verdict.pass), (None, false));
    let note = verdict.note.expect("a note");
    assert!(
        note.starts_with(
            "the promise of the smaller model is unknown for every input: steps ended after 7 boxes"
        ),
        "{note}"
    );
    let text = unknown.text("x");
    assert!(
        text.contains("smaller model: unknown for every input"),
        "{text}"
    );
    assert!(
        text.ends_with("\n  not refuted, and unknown for the smaller model\n"),
        "{text}"
    );
    let refuted = checked(How::Refuted);
    assert!(!refuted.passes() && !refuted.verdict().pass);
    assert!(refuted.text("x").ends_with("\n  refuted\n"));
}
