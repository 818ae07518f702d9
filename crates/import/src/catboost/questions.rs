//! The features of a CatBoost model, and what splits may ask of them.

use std::collections::HashMap;

use spinney_model::limits;

use super::{Features, Hashed, Split};
use crate::lower::{Question, RawNode, side};
use crate::{ImportError, shown};

/// What each feature is in rows.
pub(super) struct Questions {
    /// Index among all columns, and the side of NaN, of each float feature.
    pub(super) floats: Vec<(u32, bool)>,
    /// Index among all columns of each categorical feature.
    pub(super) categories: Vec<u32>,
    /// What the category of a hash is in rows.
    pub(super) texts: HashMap<u32, f64>,
    /// The words of each column that is of words.
    pub(super) words: Vec<String>,
    pub(super) n_features: usize,
    pub(super) names: Option<Vec<String>>,
}

impl Questions {
    pub(super) fn of(info: &Features) -> Result<Self, ImportError> {
        for (what, list) in [
            ("text", &info.text_features),
            ("embedding", &info.embedding_features),
        ] {
            if !list.is_empty() {
                return Err(refused!("a CatBoost model with {what} features"; "fit it on numbers"));
            }
        }
        let n_features = info.float_features.len() + info.categorical_features.len();
        limits::FEATURES.check("features_info", n_features)?;
        let mut names = vec![None; n_features];
        for feature in info.float_features.iter().chain(&info.categorical_features) {
            let at = feature.flat_feature_index;
            let name = feature
                .feature_name
                .as_ref()
                .or(feature.feature_id.as_ref());
            let slot = names.get_mut(at).filter(|slot| slot.is_none());
            *slot.ok_or_else(|| {
                broken!(
                    "features_info"; "the flat_feature_index {at}";
                    "one of its own for each feature, below {n_features}"
                )
            })? = Some(name.map_or("", String::as_str));
        }
        let names: Vec<String> = names.into_iter().flatten().map(str::to_owned).collect();
        let mut numbered = names.iter().enumerate();
        let are_given = names.iter().all(|name| !name.is_empty())
            && !numbered.all(|(index, name)| *name == index.to_string());
        let column = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let floats = info.float_features.iter().map(|it| {
            let is_right = match it.nan_value_treatment.as_deref() {
                None | Some("AsIs" | "AsFalse") => false,
                Some("AsTrue") => true,
                Some(other) => {
                    return Err(ImportError::broken(
                        "features_info.float_features, nan_value_treatment",
                        shown(other),
                        "AsIs, AsFalse or AsTrue",
                    ));
                }
            };
            Ok((column(it.flat_feature_index), is_right))
        });
        let (texts, words) = texts(info)?;
        Ok(Self {
            floats: floats.collect::<Result<_, _>>()?,
            categories: (info.categorical_features.iter())
                .map(|it| column(it.flat_feature_index))
                .collect(),
            texts,
            words,
            n_features,
            names: are_given.then_some(names),
        })
    }

    /// A split, whose answer *yes* leads to `yes`.
    pub(super) fn split(
        &self,
        split: &Split,
        no: usize,
        yes: usize,
    ) -> Result<RawNode, ImportError> {
        let odd = || {
            broken!(
                "a split"; "no feature, or no border or value";
                "those of a FloatFeature or OneHotFeature"
            )
        };
        match split.split_type.as_str() {
            "FloatFeature" => {
                let index = split.float_feature_index.ok_or_else(odd)?;
                let (feature, is_right) = *self.floats.get(index).ok_or_else(odd)?;
                let question = Question::at_most(split.border.ok_or_else(odd)?);
                let missing = Some(side(!is_right));
                Ok(RawNode::split(feature, question, missing, [no, yes]))
            }
            "OneHotFeature" => {
                let index = split.cat_feature_index.ok_or_else(odd)?;
                let value = split.value.ok_or_else(odd)?;
                // Casts: a hash of 32 bits.
                let hash = value as u32;
                let feature = *self.categories.get(index).ok_or_else(odd)?;
                let category = self.texts.get(&hash).ok_or_else(|| {
                    ImportError::refused(
                        "a CatBoost model with categories without their texts",
                        "save it with the rows at hand: model.save_model(path, format=\"json\", \
                         pool=pool)",
                    )
                })?;
                let (question, missing) = (Question::among(&[*category]), Some(side(false)));
                Ok(RawNode::split(feature, question, missing, [yes, no]))
            }
            "OnlineCtr" => Err(ImportError::refused(
                "a CatBoost model with ctr features, which are statistics of categories,",
                "fit with one_hot_max_size above the number of categories, or code categories as numbers",
            )),
            other => Err(refused!(
                "a CatBoost split of type {}", shown(other); "FloatFeature and OneHotFeature are"
            )),
        }
    }
}

/// What categories are in rows: the integers that they all are, or else the places of words in a list.
fn texts(info: &Features) -> Result<(HashMap<u32, f64>, Vec<String>), ImportError> {
    let hashed = info.cat_features_hash.iter().flatten();
    // Beyond, float32 knows not every integer.
    let number = |it: &Hashed| {
        let whole = it.value.parse::<i32>().ok();
        let whole = whole.filter(|it| it.unsigned_abs() <= 1 << 24);
        whole.map(|whole| (it.hash, f64::from(whole)))
    };
    if let Some(numbers) = hashed.clone().map(number).collect() {
        return Ok((numbers, Vec::new()));
    }
    let mut words: Vec<String> = hashed.clone().map(|it| it.value.clone()).collect();
    words.sort_unstable();
    words.dedup();
    limits::CATEGORIES.check("cat_features_hash", words.len())?;
    if words.iter().any(|word| word.trim().is_empty()) {
        return Err(ImportError::refused(
            "a CatBoost model with an empty text among its categories",
            "give it a word, such as \"none\", in the rows that it is fitted on and in those it is asked",
        ));
    }
    let place = |it: &Hashed| words.partition_point(|word| *word < it.value) as f64;
    let places = hashed.map(|it| (it.hash, place(it))).collect();
    Ok((places, words))
}
