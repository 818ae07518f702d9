//! The pipeline steps that make numbers of categories, bins of numbers, and columns of both.

use std::rc::Rc;

use super::object::Object;
use crate::fold::{Encoder, Input, Op, Words};
use crate::{ImportError, classes};

/// Bytes that a category takes, with its word.
const CATEGORY_BYTES: u64 = 96;

/// The categories of one feature as an encoder has them.
struct Categories {
    /// The reading of each: a number, or the place of a word; `None` of what is missing.
    readings: Vec<Option<f64>>,
    /// What the encoder sees in the place of a missing reading, if something is put there.
    filled: Option<f64>,
}

impl Categories {
    /// Reads the categories of an input, whose words are entered into `words`.
    fn of(at: &Object, input: &mut Input, words: &mut Words) -> Result<Self, ImportError> {
        let plain = |op: &Op| matches!(op, Op::Single | Op::Impute(_) | Op::ImputeWord(_));
        if !input.ops.iter().all(plain) {
            return Err(ImportError::refused(
                format!("an encoder of feature {} behind a scaler", input.raw),
                "give the encoder the column as it is",
            ));
        }
        let values = listed(at)?;
        let numbers = values.iter().map(|value| match value {
            Some(serde_json::Value::Number(number)) => number.as_f64().map(|it| Some(it + 0.0)),
            None => Some(None),
            _ => None,
        });
        if let Some(readings) = numbers.collect::<Option<Vec<_>>>() {
            let filled = input.ops.iter().find_map(|op| match op {
                Op::Impute(number) => Some(*number),
                _ => None,
            });
            input.ops.clear();
            return Ok(Self { readings, filled });
        }
        let mut list = Vec::new();
        let mut readings = Vec::with_capacity(values.len());
        for value in &values {
            readings.push(value.as_ref().map(|_| list.len() as f64));
            if let Some(value) = value {
                let word = classes::name(value);
                list.push(word.ok_or_else(|| at.odd("numbers, or texts"))?);
            }
        }
        let filled = input.ops.iter().find_map(|op| match op {
            Op::ImputeWord(word) => list.iter().position(|it| **it == **word),
            _ => None,
        });
        input.ops.clear();
        if words.get(&input.raw).is_some_and(|known| *known != list) {
            return Err(refused!(
                "feature {} of two encoders that list other categories", input.raw;
                "give both the same categories=[…]"
            ));
        }
        words.insert(input.raw, list);
        Ok(Self {
            readings,
            filled: filled.map(|place| place as f64),
        })
    }

    /// The operation that makes of each category what `value` does of its index, and of all else
    /// what `unknown` is; `missing` is for a missing reading that is one of the categories.
    fn op(&self, value: impl Fn(usize) -> f64, unknown: f64, missing: f64) -> Op {
        let mut raw: Vec<(f64, f64)> = Vec::with_capacity(self.readings.len());
        let mut of_missing = unknown;
        for (index, reading) in self.readings.iter().enumerate() {
            match reading {
                Some(reading) => raw.push((*reading, value(index))),
                None => of_missing = missing,
            }
        }
        raw.sort_by(|one, other| one.0.total_cmp(&other.0));
        if let Some(filled) = self.filled {
            let known = raw
                .iter()
                .find(|(reading, _)| reading.total_cmp(&filled).is_eq());
            of_missing = known.map_or(unknown, |(_, value)| *value);
        }
        Op::Encode(Rc::new(Encoder {
            raw,
            unknown,
            missing: of_missing,
        }))
    }
}

/// The items of an array of numbers or texts; `None` of what is missing.
fn listed(at: &Object) -> Result<Vec<Option<serde_json::Value>>, ImportError> {
    if let Ok(items) = at.items() {
        at.budget()
            .take_items(at.place(), items.len(), CATEGORY_BYTES)?;
        let item = |item: &Object| {
            let is_nan = item.number().is_ok_and(f64::is_nan);
            match item.is_none() || is_nan {
                true => Ok(None),
                false => item.scalar().map(Some),
            }
        };
        return items.iter().map(item).collect();
    }
    let array = at.array()?;
    at.budget()
        .take_items(at.place(), array.n_items(), CATEGORY_BYTES)?;
    let scalars = array.scalars().map_err(|error| at.inside(error))?;
    if let Ok(numbers) = scalars.numbers() {
        // JSON has no NaN, which is what is missing.
        let value = |it: f64| serde_json::Number::from_f64(it).map(serde_json::Value::Number);
        return Ok(numbers.into_iter().map(value).collect());
    }
    let texts = scalars.texts().map_err(|error| at.inside(error))?;
    Ok(texts.into_iter().map(|text| Some(text.into())).collect())
}

/// The items of a list, as many as there are features.
fn each<'s>(list: &Object<'s>, n: usize) -> Result<Vec<Object<'s>>, ImportError> {
    let items = list.items()?;
    if items.len() == n {
        return Ok(items);
    }
    Err(broken!(list.place(); "{} items", items.len(); "one per feature, {n}"))
}

/// The categories of each input; refuses those that are grouped by how often they occur.
fn categories(
    step: &Object,
    inputs: &mut [Input],
    words: &mut Words,
) -> Result<Vec<Categories>, ImportError> {
    if step.find("min_frequency").is_some() || step.find("max_categories").is_some() {
        return Err(refused!(
            "a {} with min_frequency or max_categories", step.shown_class();
            "group rare categories before fit"
        ));
    }
    each(&step.get("categories_")?, inputs.len())?
        .iter()
        .zip(inputs)
        .map(|(at, input)| Categories::of(at, input, words))
        .collect()
}

/// The place of a category.
pub(super) fn ordinal(
    step: &Object,
    mut inputs: Vec<Input>,
    words: &mut Words,
) -> Result<Vec<Input>, ImportError> {
    let number = |name: &str| step.find(name).map_or(Ok(f64::NAN), |it| it.number());
    let (unknown, missing) = (number("unknown_value")?, number("encoded_missing_value")?);
    let categories = categories(step, &mut inputs, words)?;
    for (input, categories) in inputs.iter_mut().zip(&categories) {
        input
            .ops
            .push(categories.op(|index| index as f64, unknown, missing));
    }
    Ok(inputs)
}

/// The mean target of a category, or a column of it for each of several classes.
pub(super) fn target(
    step: &Object,
    mut inputs: Vec<Input>,
    words: &mut Words,
) -> Result<Vec<Input>, ImportError> {
    let means = step.get("target_mean_")?;
    // One number, or one per class.
    let means = means
        .number()
        .map_or_else(|_| means.list_of_numbers(), |it| Ok(vec![it]))?;
    let categories = categories(step, &mut inputs, words)?;
    let encodings = each(&step.get("encodings_")?, inputs.len() * means.len())?;
    let mut columns = Vec::with_capacity(encodings.len());
    for (at, encoding) in encodings.iter().enumerate() {
        let (of, unknown) = (at / means.len(), means[at % means.len()]);
        let n = categories[of].readings.len();
        step.budget().take_items(step.place(), n, CATEGORY_BYTES)?;
        let values = encoding.numbers(n)?;
        let missing = categories[of].readings.iter().position(Option::is_none);
        let missing = missing.map_or(unknown, |place| values[place]);
        let op = categories[of].op(|index| values[index], unknown, missing);
        columns.push(inputs[of].with(op));
    }
    Ok(columns)
}

/// A column of 0 and 1 for each category.
pub(super) fn one_hot(
    step: &Object,
    mut inputs: Vec<Input>,
    words: &mut Words,
) -> Result<Vec<Input>, ImportError> {
    let dropped = step.find("drop_idx_");
    let dropped = dropped.map(|it| each(&it, inputs.len())).transpose()?;
    let categories = categories(step, &mut inputs, words)?;
    let mut columns = Vec::new();
    for (index, (input, categories)) in inputs.iter().zip(&categories).enumerate() {
        let dropped = match dropped.as_ref().map(|it| &it[index]) {
            Some(dropped) if !dropped.is_none() => Some(dropped.size()?),
            _ => None,
        };
        let n = categories.readings.len();
        let bytes = n.saturating_mul(CATEGORY_BYTES as usize) as u64;
        step.budget().take_items(step.place(), n, bytes)?;
        for place in (0..n).filter(|place| Some(*place) != dropped) {
            let is_it = |index: usize| f64::from(u8::from(index == place));
            let is_missing = f64::from(u8::from(categories.readings[place].is_none()));
            columns.push(input.with(categories.op(is_it, 0.0, is_missing)));
        }
    }
    Ok(columns)
}

/// The number of the bin that a reading lies in, or a column of 0 and 1 for each.
pub(super) fn bins(step: &Object, inputs: Vec<Input>) -> Result<Vec<Input>, ImportError> {
    let is_ordinal = step.get("encode")?.text()? == "ordinal";
    let mut columns = Vec::new();
    let all_edges = each(&step.get("bin_edges_")?, inputs.len())?;
    for (input, edges) in inputs.iter().zip(all_edges) {
        let edges = edges.list_of_numbers()?;
        let are_ascending = edges.len() > 1 && edges.is_sorted();
        if !are_ascending || edges.iter().any(|it| it.is_nan()) {
            return Err(step.odd("edges of bins, ascending"));
        }
        let inner = &edges[1..edges.len() - 1];
        if is_ordinal {
            columns.push(input.with(Op::Bin(inner.into())));
            continue;
        }
        step.budget()
            .take_items(step.place(), inner.len() + 1, CATEGORY_BYTES)?;
        for bin in 0..=inner.len() {
            let low = bin
                .checked_sub(1)
                .map_or(f64::NEG_INFINITY, |below| inner[below]);
            let high = inner.get(bin).copied().unwrap_or(f64::INFINITY);
            columns.push(input.with(Op::Within { low, high }));
        }
    }
    Ok(columns)
}

/// `statistics_` in the place of what is missing, and perhaps columns that say what was.
pub(super) fn impute(step: &Object, inputs: Vec<Input>) -> Result<Vec<Input>, ImportError> {
    let mark = step.find("missing_values");
    let marks_nan = mark.is_none_or(|it| it.number().is_ok_and(f64::is_nan));
    if !marks_nan {
        return Err(refused!(
            "a SimpleImputer of another mark than NaN"; "mark what is missing by NaN"
        ));
    }
    let mut indicators = Vec::new();
    if let Some(indicator) = step.find("indicator_") {
        for index in indicator.get("features_")?.list_of_numbers()? {
            // Casts: an index.
            let column = inputs.get(index as usize);
            let column = column.ok_or_else(|| indicator.odd("indices of features"))?;
            indicators.push(column.with(Op::IsMissing));
        }
    }
    let statistics = listed(&step.get("statistics_")?)?;
    if statistics.len() != inputs.len() {
        return Err(step.odd("a statistic for each feature"));
    }
    let mut filled = Vec::with_capacity(inputs.len() + indicators.len());
    for (index, (input, statistic)) in inputs.iter().zip(statistics).enumerate() {
        let op = match statistic {
            Some(serde_json::Value::Number(number)) => {
                Op::Impute(number.as_f64().unwrap_or(f64::NAN))
            }
            Some(word) => {
                let word = classes::name(&word).unwrap_or_default();
                Op::ImputeWord(word.into())
            }
            // A feature that was missing in every row is left out.
            None => continue,
        };
        filled.push(input.with(op.checked(step.class_name(), index)?));
    }
    filled.extend(indicators);
    Ok(filled)
}
