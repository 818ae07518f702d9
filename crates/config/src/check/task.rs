//! Which keys belong to which task: what has classes, what has numbers, what raises alarms.

use spinney_model::Task;

use crate::choice::{ModelKind, Source, Trainer, Word};
use crate::diagnostics::Fault;
use crate::raw::RawPipeline;
use crate::value::{Reader, literal};

/// A key that only some tasks have.
struct OfTasks {
    section: &'static str,
    key: &'static str,
    tasks: &'static [Task],
    /// Why others do not have it.
    why: &'static str,
}

const fn of(
    section: &'static str,
    key: &'static str,
    tasks: &'static [Task],
    why: &'static str,
) -> OfTasks {
    OfTasks {
        section,
        key,
        tasks,
        why,
    }
}

const RIGHT_OR_WRONG: &[Task] = &[Task::Classify, Task::Detect];
const NO_NUMBER: &str = "a number is not right or wrong, only near or far";
const NO_VALUE: &str = "only a regressor's numbers have an error";

#[rustfmt::skip]
const KEYS: &[OfTasks] = &[
    of("dataset", "unit", &[Task::Regress], "only a regressor's numbers have a unit"),
    of("dataset", "normal", &[Task::Detect],
        "only a detector tells what is normal from what is not"),
    of("model", "threshold", &[Task::Detect], "only a detector compares a score with a threshold"),
    of("accuracy", "better_than_majority", &[Task::Classify],
        "only classes are held to the most frequent one"),
    of("accuracy", "min_accuracy", RIGHT_OR_WRONG, NO_NUMBER),
    of("accuracy", "min_balanced_accuracy", RIGHT_OR_WRONG, NO_NUMBER),
    of("accuracy", "min_recall", RIGHT_OR_WRONG, NO_NUMBER),
    of("accuracy", "max_accuracy_loss", RIGHT_OR_WRONG, NO_NUMBER),
    of("accuracy", "max_drop", RIGHT_OR_WRONG, NO_NUMBER),
    of("accuracy", "min_agreement", RIGHT_OR_WRONG, NO_NUMBER),
    of("accuracy", "max_disagreements", RIGHT_OR_WRONG, NO_NUMBER),
    of("model", "class_weight", &[Task::Classify], "only classes are weighed against one another"),
    of("accuracy", "max_error", &[Task::Regress], NO_VALUE),
    of("accuracy", "max_mae_growth", &[Task::Regress], NO_VALUE),
    of("accuracy", "min_r2", &[Task::Regress], NO_VALUE),
    of("accuracy", "min_auc", &[Task::Detect], "only a detector's scores have an ROC curve"),
    of("codegen", "early_exit", RIGHT_OR_WRONG, "a value is the sum of all trees"),
    of("search", "leaves", RIGHT_OR_WRONG, "a value is the sum of all trees"),
    of("reject", "coverage", &[Task::Classify], "only a classifier may not know which class it is"),
];

/// What a key is told to a task that does not have it, and the key's place.
pub(crate) fn misfits(task: Task) -> impl Iterator<Item = (String, &'static str)> {
    let strange = KEYS.iter().filter(move |it| !it.tasks.contains(&task));
    strange.map(|it| (format!("{}.{}", it.section, it.key), it.why))
}

/// The task that the config says, or that training here has; `None` where the model file tells.
pub(super) fn of_config(raw: &RawPipeline) -> Option<Task> {
    let model = raw.section("model");
    // An absent section has been told of.
    model.span.as_ref()?;
    match model.given("task") {
        Some(_) => model.choice("task"),
        None => {
            (model.choice::<Source>("source") != Some(Source::Import)).then_some(Task::Classify)
        }
    }
}

pub(super) fn check(reader: &mut Reader, raw: &RawPipeline) {
    let model = raw.section("model");
    let Some(task) = of_config(raw) else {
        return;
    };
    let is_trained = model.choice::<Source>("source") == Some(Source::Train);
    if let Some(span) = model.given("task").filter(|_| is_trained)
        && let Some((expected, help)) = untrained(raw, task)
    {
        let found = literal(reader.text, &span);
        let message = format!("model.task: found {found}, expected {expected}");
        reader.fault(Fault::new(Some(span), message).help(help));
        return;
    }
    for it in KEYS.iter().filter(|it| !it.tasks.contains(&task)) {
        // No detector is trained here.
        let is_detection = it.tasks == [Task::Detect];
        let cause = model.cause(if is_trained && is_detection {
            "source"
        } else {
            "task"
        });
        reader.contradict(raw.section(it.section), it.key, it.why, &cause);
    }
    let dataset = raw.section("dataset");
    let has_labels = ["label", "path_labels", "test_labels"]
        .iter()
        .any(|key| dataset.given(key).is_some());
    if task == Task::Detect && has_labels {
        if dataset.given("normal").is_none() {
            reader.missing(raw, dataset, "normal");
        }
    } else if task == Task::Detect && dataset.given("normal").is_some() {
        let why = "the rows have no labels";
        let cause = dataset.cause("test");
        reader.contradict(dataset, "normal", why, &cause);
    }
}

/// What is expected in place of a task that nothing here is trained for, and the next step.
fn untrained(raw: &RawPipeline, task: Task) -> Option<(&'static str, &'static str)> {
    const IMPORT: &str = "train it with scikit-learn, XGBoost or LightGBM and import the file: \
                          `source = \"import\"`, `path = \"…\"`";
    let model = raw.section("model");
    match task {
        Task::Classify => None,
        Task::Detect => Some((
            "`\"classify\"` or `\"regress\"`, since no detector is trained here",
            IMPORT,
        )),
        Task::Regress if raw.section("frontend").span.is_some() => Some((
            "`\"classify\"`, since recordings have classes",
            "write rows of features and numbers into a CSV file, without [frontend]",
        )),
        Task::Regress if model.choice::<Trainer>("trainer") == Some(Trainer::Linfa) => Some((
            "`\"classify\"`, since `trainer = \"linfa\"` trains classifiers",
            "remove `trainer`",
        )),
        Task::Regress if model.choice::<ModelKind>("kind") == Some(ModelKind::GaussianNb) => {
            Some((
                "`\"classify\"`, since naive Bayes tells classes apart",
                "`kind` is `\"decision-tree\"`, `\"random-forest\"` or `\"extra-trees\"`",
            ))
        }
        Task::Regress => None,
    }
}

/// What a declared task says to a model of another.
pub(crate) fn other(declared: Task, found: Task) -> String {
    format!(
        "found `\"{}\"`, expected `\"{}\"`, which the model is",
        declared.word(),
        found.word()
    )
}
