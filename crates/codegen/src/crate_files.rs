//! The files of a drop-in crate: manifest, library, tables, a readme and a copy of the runtime.

use spinney_checker::{Layout, LeafTable};
use spinney_quantize::{Body as QuantBody, QuantModel};

use crate::body::{Body, EncodingError};
use crate::carried::carried;
use crate::options::{CodeType, Options, ScoreType};
use crate::unknown::{self, Outliers, OutliersShape};
use crate::{SourceTree, coding, probability, values};

/// The runtime as it was when this code was compiled, so that a generated crate stands alone.
const RUNTIME: [(&str, &str); 13] = [
    ("runtime/Cargo.toml", include_str!("../device/runtime.toml")),
    (
        "runtime/src/lib.rs",
        include_str!("../device/runtime/lib.rs"),
    ),
    (
        "runtime/src/bayes.rs",
        include_str!("../device/runtime/bayes.rs"),
    ),
    (
        "runtime/src/coding.rs",
        include_str!("../device/runtime/coding.rs"),
    ),
    (
        "runtime/src/compact.rs",
        include_str!("../device/runtime/compact.rs"),
    ),
    (
        "runtime/src/limits.rs",
        include_str!("../device/runtime/limits.rs"),
    ),
    (
        "runtime/src/nodes.rs",
        include_str!("../device/runtime/nodes.rs"),
    ),
    (
        "runtime/src/packed.rs",
        include_str!("../device/runtime/packed.rs"),
    ),
    (
        "runtime/src/values.rs",
        include_str!("../device/runtime/values.rs"),
    ),
    (
        "runtime/src/votes.rs",
        include_str!("../device/runtime/votes.rs"),
    ),
    (
        "runtime/src/forest.rs",
        include_str!("../device/runtime/forest.rs"),
    ),
    (
        "runtime/src/probability.rs",
        include_str!("../device/runtime/probability.rs"),
    ),
    (
        "runtime/src/walk.rs",
        include_str!("../device/runtime/walk.rs"),
    ),
];

/// What a generated crate says of itself.
#[derive(Debug, Clone, Copy)]
pub struct Identity<'a> {
    /// The pipeline's name; the package is called `<name>-model`.
    pub pipeline: &'a str,
    /// The kind of model, as `pipeline.toml` spells it.
    pub kind: &'a str,
    /// The model's fingerprint, 64 hexadecimal digits.
    pub fingerprint: &'a str,
}

impl Identity<'_> {
    /// The name of the generated package.
    #[must_use]
    pub fn package(&self) -> String {
        format!("{}-model", self.pipeline)
    }

    /// The manifest of a package that each generated crate carries a copy of, with the pipeline in
    /// its version: a lock file has room for two copies only if they have different versions.
    fn versioned(&self, manifest: &str) -> String {
        let name = self.pipeline.replace('_', "-");
        manifest.replacen(
            "version = \"0.1.0\"",
            &format!("version = \"0.1.0+{name}\""),
            1,
        )
    }
}

/// A generated crate, and what its trees came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Generated {
    /// The files.
    pub files: SourceTree,
    /// The options in effect, which may be plainer than those asked for.
    pub options: Options,
    /// The form of the model in words: "3 bytes per split".
    pub form: String,
    /// Bytes of the model's tables; 0 for what is code.
    pub table_bytes: usize,
    /// How splits are laid out; `None` where they are code, or there are none.
    pub layout: Option<Layout>,
    /// How votes are laid out; `None` where leaves are classes, or there are none.
    pub leaves: Option<LeafTable>,
    /// Whether codings are a table.
    pub codings_are_table: bool,
    /// How the tables of a detector beside the classifier are laid out.
    pub outliers: Option<OutliersShape>,
}

/// A self-contained `no_std` crate that predicts with `model`.
///
/// # Errors
/// An encoding that does not hold the model.
pub fn drop_in(
    identity: Identity<'_>,
    model: &QuantModel,
    options: &Options,
) -> Result<Generated, EncodingError> {
    let body = Body::new(model, options.fitted(model))?;
    let coding = coding::source(model, body.options.code_type);
    let mut imports = coding::imports(model, body.options.code_type) + &body.imports_and_static;
    if !imports.is_empty() {
        imports.push('\n');
    }
    let outliers = Outliers::new(model, body.options)?;
    let modules = [
        outliers
            .is_some()
            .then_some("#[rustfmt::skip]\nmod outliers;\n"),
        body.has_tables.then_some("#[rustfmt::skip]\nmod tables;\n"),
        body.trees
            .is_some()
            .then_some("#[rustfmt::skip]\nmod trees;\n"),
    ];
    let modules = modules.map(Option::unwrap_or_default);
    let lib = format!(
        "{header}\
         {modules}\n\
         {imports}\
         {items}\n\
         {functions}\n\
         {classify}\
         {probabilities}",
        header = header(identity, model),
        modules = modules.concat(),
        items = items(identity, model, body.options.code_type, body.has_words),
        functions = unknown::of_readings(model, values::of_readings(model, coding.functions)),
        classify = unknown::functions(model, values::functions(model, body.functions)),
        probabilities = probability::source(model),
    );
    let mut files = frame(identity, model, lib);
    let tables = format!("{}\n{}", coding.tables, body.tables);
    if body.has_tables {
        files.insert(
            "src/tables.rs".to_owned(),
            format!(
                "//! Tables of the model, in flash. Generated by Spinney.\n\n{}\n",
                tables.trim()
            ),
        );
    }
    let (mut table_bytes, mut shape) = (body.table_bytes, None);
    if let Some(outliers) = outliers {
        files.insert("src/outliers.rs".to_owned(), outliers.module);
        files.insert("src/outliers/tables.rs".to_owned(), outliers.tables);
        table_bytes += outliers.table_bytes;
        shape = Some(outliers.shape);
    }
    if let Some(trees) = body.trees {
        files.insert("src/trees.rs".to_owned(), trees);
    }
    Ok(Generated {
        files,
        options: body.options,
        form: body.form,
        table_bytes,
        layout: body.layout,
        leaves: body.leaves,
        codings_are_table: coding.is_table,
        outliers: shape,
    })
}

/// A crate with the items of [`drop_in`] and no model: what an image weighs without one.
#[must_use]
pub fn empty(identity: Identity<'_>, model: &QuantModel, options: &Options) -> SourceTree {
    let lib = format!(
        "{header}\
         {items}\n\
         {EMPTY}\
         {unknown}\
         {probabilities}",
        unknown = unknown::empty(model),
        header = header(identity, model),
        items = items(identity, model, options.fitted(model).code_type, false),
        probabilities = probability::empty(model),
    );
    frame(identity, model, lib)
}

fn frame(identity: Identity<'_>, model: &QuantModel, lib: String) -> SourceTree {
    let mut files: SourceTree = RUNTIME
        .iter()
        .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
        .collect();
    files
        .entry("runtime/Cargo.toml".to_owned())
        .and_modify(|it| *it = identity.versioned(&carried(it)));
    files.insert("Cargo.toml".to_owned(), manifest(identity, model));
    files.insert("README.md".to_owned(), readme(identity, model));
    files.insert("src/lib.rs".to_owned(), lib);
    files
}

fn manifest(identity: Identity<'_>, model: &QuantModel) -> String {
    let (what, features) = match values::sums(model) {
        Some(_) => ("regressor", values::FEATURES),
        None => ("classifier", ""),
    };
    format!(
        "# Generated by Spinney.\n\
         [package]\n\
         name = \"{}\"\n\
         description = \"A {what} in fixed point: no_std, no allocation, no floats, no panics\"\n\
         version = \"0.1.0\"\n\
         edition = \"2024\"\n\
         publish = false\n\n\
         [dependencies]\n\
         spinney-runtime = {{ path = \"runtime\" }}\n{features}",
        identity.package()
    )
}

fn header(identity: Identity<'_>, model: &QuantModel) -> String {
    let size = match model.body() {
        QuantBody::Forest(forest) => format!(
            "{} trees, {} splits, leaves with {}",
            forest.trees().len(),
            forest.splits().len(),
            match forest.leaves_name() {
                "class" => "a class each",
                votes => votes,
            }
        ),
        QuantBody::Bayes(bayes) => format!("scores in units of 2^−{} nats", bayes.score_bits()),
    };
    format!(
        "//! {pipeline}: {kind}, {size}; {n_features} features, {outputs}.\n\
         //!\n\
         //! Generated by Spinney from `pipeline.toml`; change that, not this.\n\
         #![no_std]\n\
         #![forbid(unsafe_code)]\n\
         // Tables are checked while they are compiled, which takes as long as they are.\n\
         #![allow(long_running_const_eval)]\n\n",
        pipeline = identity.pipeline,
        kind = identity.kind,
        n_features = model.schema().n_features(),
        outputs = values::outputs(model),
    )
}

fn items(
    identity: Identity<'_>,
    model: &QuantModel,
    code_type: CodeType,
    has_words: bool,
) -> String {
    let schema = model.schema();
    let names = |names: &mut dyn Iterator<Item = &String>| {
        names
            .map(|name| format!("    {name:?},\n"))
            .collect::<String>()
    };
    let (counts, outputs) = match values::sums(model) {
        Some(sums) => (String::new(), values::items(model, sums)),
        None => (
            format!(
                "/// Number of classes.\npub const N_CLASSES: usize = {};\n",
                schema.n_classes()
            ),
            format!(
                "/// Names of the classes; class indices index into it.\n\
                 #[rustfmt::skip]\n\
                 pub const CLASSES: [&str; N_CLASSES] = [\n{}];\n",
                names(&mut schema.classes().iter())
            ),
        ),
    };
    let score = ScoreType::of(model).name();
    let words = if has_words {
        "/// Number of classes divided by four, rounded up.\nconst WORDS: usize = N_CLASSES.div_ceil(4);\n"
    } else {
        ""
    };
    format!(
        "{words}\
         /// Number of features of a row.\n\
         pub const N_FEATURES: usize = {n_features};\n\
         /// Number of codes of a row{of}.\n\
         pub const N_CODES: usize = {n_codes};\n\
         {counts}\
         /// What a sensor delivers per feature.{notes}\n\
         pub type Reading = {reading};\n\
         /// What the model compares: a reading, coded.\n\
         pub type Code = {code};\n\
         /// What a class scores; higher is likelier.\n\
         pub type Score = {score};\n\
         /// Fingerprint of the model, SHA-256.\n\
         pub const FINGERPRINT: &str = \"{fingerprint}\";\n\
         /// Names of the features, in the order of a row.\n\
         #[rustfmt::skip]\n\
         pub const FEATURES: [&str; N_FEATURES] = [\n{features}];\n\
         {outputs}",
        n_features = schema.n_features(),
        of = if code_type == CodeType::Reading {
            ", which are its readings"
        } else if coding::Rest::of(model).is_empty() {
            ", one per feature that the model uses"
        } else {
            ""
        },
        n_codes = n_codes(model, code_type),
        notes = coding::notes(model)
            .iter()
            .map(|note| format!("\n///\n/// {note}"))
            .collect::<String>(),
        reading = model.reading_type().rust_name(),
        code = match code_type {
            CodeType::U8 => "u8",
            CodeType::I16 => "i16",
            CodeType::U16 => "u16",
            CodeType::Reading => model.reading_type().rust_name(),
        },
        fingerprint = identity.fingerprint,
        features = names(&mut schema.features().iter().map(|feature| &feature.name)),
    )
}

const EMPTY: &str = "\
/// Class 0, whatever the readings.
#[must_use]
#[inline(never)]
pub fn predict(_readings: &[Reading; N_FEATURES]) -> usize {
    0
}

/// No codes.
#[must_use]
pub fn encode(_readings: &[Reading; N_FEATURES]) -> [Code; N_CODES] {
    [0 as Code; N_CODES]
}

/// Class 0, whatever the codes.
#[must_use]
#[inline(never)]
pub fn classify(_codes: &[Code; N_CODES]) -> usize {
    0
}

/// No scores.
#[must_use]
pub fn scores(_codes: &[Code; N_CODES]) -> [Score; N_CLASSES] {
    [0; N_CLASSES]
}
";

/// Codes of a row.
pub(crate) fn n_codes(model: &QuantModel, code_type: CodeType) -> usize {
    match code_type {
        CodeType::Reading => model.schema().n_features(),
        CodeType::U8 | CodeType::I16 | CodeType::U16 => model.inputs().len(),
    }
}

/// Features of whose readings no code is made.
fn n_unused(model: &QuantModel) -> usize {
    let features = 0..model.schema().n_features();
    features
        .filter(|feature| model.input_of(*feature).is_none())
        .count()
}

fn readme(identity: Identity<'_>, model: &QuantModel) -> String {
    let package = identity.package();
    format!(
        "# {package}\n\n\
         A {kind} with {n_features} features and {outputs} in fixed point, generated by \
         Spinney. It needs no `std`, allocates nothing, computes no float and cannot panic. The \
         folder is self-contained: copy it next to your firmware, then\n\n\
         ```sh\ncargo add --path {package}\n```\n\n\
         ```rust\n\
         use {library}::{{{imports}}};\n\n\
         let mut readings: [Reading; N_FEATURES] = [0 as Reading; N_FEATURES];\n\
         for (reading, channel) in readings.iter_mut().zip(0..) {{\n    \
             *reading = sensor.read(channel); // {reading}, in the units of the training data\n\
         }}\n\
         {usage}\
         ```\n\n\
         `FEATURES` names the readings in their order{unused}. `scores(&encode(&readings))` gives a score \
         per {output}{probabilities}.{notes}\n",
        kind = identity.kind,
        n_features = model.schema().n_features(),
        outputs = values::outputs(model),
        imports = values::readme(model).imports,
        usage = values::readme(model).usage,
        output = values::readme(model).output,
        library = package.replace('-', "_"),
        unused = match n_unused(model) {
            0 => String::new(),
            1 => "; the model does not use one of them, which may hold anything".to_owned(),
            n => format!("; the model does not use {n} of them, which may hold anything"),
        },
        probabilities = probability::readme(model),
        notes = coding::notes(model)
            .iter()
            .map(|note| format!(" {note}"))
            .collect::<String>(),
        reading = model.reading_type().rust_name(),
    )
}
