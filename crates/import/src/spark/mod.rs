//! Spark MLlib's trees: the folder that `model.write().save(path)` leaves, in a zip archive. `metadata/` has
//! JSON, `data/` the nodes of all trees in Parquet (`NodeData` in `ml/tree/treeModels.scala` of Spark), a
//! `PipelineModel` its `stages/`.
//!
//! Spark compares and adds in float64. A forest adds up the class proportions of its leaves, boosting the
//! predictions of its trees by their weights.

mod tree;

use std::collections::BTreeMap;

use serde_json::Value;
use spinney_dataset::parquet::{self, Cell, Column};
use spinney_dataset::{Budget, archive};
use spinney_model::{AdditiveKind, Compare, FloatModel, ForestKind, Link, limits};

use crate::draft::{Draft, DraftTree, Outputs};
use crate::fold::Feed;
use crate::lower::lower;
use crate::{Format, ImportError, Imported, Origin, classes, shown};
use tree::{COLUMNS, by_tree, raw};

/// Bytes that a node takes, from its cells to the tree.
const NODE_BYTES: u64 = 480;

/// Where the first bytes of an archive may name a member, and the last ones do.
const NAMES_BYTES: usize = 1 << 16;

type Members = BTreeMap<String, Vec<u8>>;
/// Of features that a `VectorIndexerModel` codes: what reading each category stands for.
type Categories = BTreeMap<i64, BTreeMap<i64, f64>>;

/// Whether the bytes are an archive of a folder that Spark saved.
pub(crate) fn is_folder(bytes: &[u8]) -> bool {
    let ends = [
        &bytes[..bytes.len().min(NAMES_BYTES)],
        &bytes[bytes.len().saturating_sub(NAMES_BYTES)..],
    ];
    let names = b"metadata/part-";
    bytes.starts_with(b"PK")
        && ends
            .iter()
            .any(|end| end.windows(names.len()).any(|it| it == names))
}

/// What a folder says of itself, and where it is.
struct Stage<'m> {
    folder: String,
    members: &'m Members,
    metadata: Value,
}

pub(crate) fn import(bytes: &[u8]) -> Result<Imported, ImportError> {
    let budget = &Budget::of(bytes.len());
    let members = archive::unpack(bytes, budget)?;
    // The folder itself may stand in the archive, or what is in it.
    let root = members
        .keys()
        .filter_map(|name| name.split_once("metadata/part-").map(|it| it.0))
        .min_by_key(|folder| folder.len());
    let root = root.ok_or_else(|| ImportError::broken("the archive", "no metadata", EXPECTED))?;
    let root = Stage::open(&members, root.to_owned(), budget)?;
    let stages = match root.class() {
        "PipelineModel" => root.stages(budget)?,
        _ => vec![root],
    };
    let mut model: Option<&Stage> = None;
    let mut assembler: Option<&Stage> = None;
    let mut labels: Vec<(String, Vec<String>)> = Vec::new();
    let mut spoken = None;
    let mut maps = Categories::new();
    let mut steps = Vec::new();
    for stage in &stages {
        match stage.class() {
            _ if is_model(stage.class()) && model.is_none() => model = Some(stage),
            "VectorAssembler" if assembler.is_none() && model.is_none() => assembler = Some(stage),
            "VectorIndexerModel" if model.is_none() && maps.is_empty() => {
                maps = stage.categories(budget)?
            }
            "StringIndexerModel" if model.is_none() => labels.extend(stage.indexed(budget)?),
            // Names of classes once more.
            "IndexToString" if model.is_some() => spoken = stage.words("labels"),
            class => return Err(unsupported(class)),
        }
        steps.push(stage.class().to_owned());
    }
    let model = model
        .ok_or_else(|| ImportError::refused("a PipelineModel without a tree model", INSTEAD))?;
    steps.retain(|step| step != model.class());
    let n_features = model.count("numFeatures")?;
    limits::FEATURES.check(format!("{}.numFeatures", model.folder), n_features)?;
    let mut notes = Vec::new();
    let names = assembler.and_then(|it| it.words("inputCols"));
    if let Some(names) = &names {
        if let Some((coded, _)) = labels.iter().find(|it| names.contains(&it.0)) {
            return Err(ImportError::refused(
                format!("a StringIndexerModel of the feature \"{}\"", shown(coded)),
                "code words as numbers before the rows reach the pipeline",
            ));
        }
        if names.len() != n_features {
            notes.push(
                "The VectorAssembler joins vectors: features have no names, and are taken in order."
                    .to_owned(),
            );
        }
    }
    let names = names.filter(|names| names.len() == n_features);
    let of_label = model
        .param("labelCol")
        .and_then(Value::as_str)
        .unwrap_or("label");
    let indexed = labels
        .into_iter()
        .find(|it| it.0 == of_label)
        .map(|it| it.1);
    let classes = spoken.filter(|it| !it.is_empty()).or(indexed);
    let feed = Feed::raw(names, n_features);
    let version = model.metadata["sparkVersion"]
        .as_str()
        .unwrap_or("of unknown version");
    Ok(Imported {
        model: model.model(&feed, classes, &maps, budget)?,
        origin: Origin {
            format: Format::Spark,
            estimator: model.class().to_owned(),
            library: Some(format!("Spark {}", shown(version))),
            steps,
            notes,
        },
    })
}

const EXPECTED: &str = "the folder that model.write().save(path) leaves, as a zip archive";
const INSTEAD: &str = "models of DecisionTree, RandomForest and GBT are read, alone or behind a VectorAssembler \
                       and StringIndexers of the label";

fn is_model(class: &str) -> bool {
    let kind = ["DecisionTree", "RandomForest", "GBT"];
    let task = ["ClassificationModel", "RegressionModel"];
    kind.iter().any(|kind| {
        let rest = class.strip_prefix(kind);
        rest.is_some_and(|rest| task.contains(&rest))
    })
}

fn unsupported(class: &str) -> ImportError {
    let instead = match class {
        _ if class.ends_with("ScalerModel") => "trees need no scaling: leave it out, and fit again",
        "OneHotEncoderModel" | "Bucketizer" | "ImputerModel" => {
            "prepare the rows before they reach the pipeline, and fit again"
        }
        _ => INSTEAD,
    };
    ImportError::refused(format!("Spark's {}", shown(class)), instead)
}

impl<'m> Stage<'m> {
    fn open(members: &'m Members, folder: String, budget: &Budget) -> Result<Self, ImportError> {
        let start = format!("{folder}metadata/part-");
        let part = of_start(members, &start).find(|it| !it.is_empty());
        let part = part
            .ok_or_else(|| ImportError::broken(format!("{folder}metadata"), "no part", EXPECTED))?;
        budget.take_json(&start, part, crate::JSON_MARKS)?;
        let metadata = serde_json::from_slice(part)
            .map_err(|error| ImportError::broken(&start, error.to_string(), "JSON"))?;
        Ok(Self {
            folder,
            members,
            metadata,
        })
    }

    /// The class, without its package.
    fn class(&self) -> &str {
        let class = self.metadata["class"].as_str().unwrap_or("");
        match class.strip_prefix("org.apache.spark.ml.") {
            Some(class) => class.rsplit('.').next().unwrap_or(class),
            // None of Spark's own.
            None => class,
        }
    }

    fn param(&self, name: &str) -> Option<&Value> {
        let given = ["paramMap", "defaultParamMap"].map(|map| &self.metadata[map][name]);
        given.into_iter().find(|value| !value.is_null())
    }

    fn words(&self, name: &str) -> Option<Vec<String>> {
        let items = self.param(name)?.as_array()?.iter();
        items.map(|item| item.as_str().map(str::to_owned)).collect()
    }

    fn count(&self, name: &str) -> Result<usize, ImportError> {
        let found = self.metadata[name]
            .as_u64()
            .and_then(|n| usize::try_from(n).ok());
        found.ok_or_else(|| {
            ImportError::broken(
                format!("{}metadata", self.folder),
                format!("no {name}"),
                EXPECTED,
            )
        })
    }

    /// The stages of a pipeline in their order, pipelines within pipelines too.
    fn stages(&self, budget: &Budget) -> Result<Vec<Self>, ImportError> {
        let uids = self.words("stageUids").unwrap_or_default();
        let mut stages = Vec::new();
        for (index, uid) in uids.iter().enumerate() {
            budget.take_items("stageUids", 1, 1024)?;
            // Numbers are as wide as the largest.
            let width = uids.len().to_string().len();
            let folder = format!("{}stages/{index:0width$}_{uid}/", self.folder);
            let stage = Self::open(self.members, folder, budget)?;
            match stage.class() {
                "PipelineModel" => {
                    return Err(refused!(
                        "a PipelineModel within a PipelineModel"; "put all stages into one"
                    ));
                }
                _ => stages.push(stage),
            }
        }
        Ok(stages)
    }

    /// The output columns and labels of a `StringIndexerModel`.
    fn indexed(&self, budget: &Budget) -> Result<Vec<(String, Vec<String>)>, ImportError> {
        let columns = match self.words("outputCols") {
            Some(columns) => columns,
            None => {
                let column = self.param("outputCol").and_then(Value::as_str);
                vec![column.unwrap_or_default().to_owned()]
            }
        };
        let [column] = &columns[..] else {
            return Err(refused!(
                "a StringIndexerModel of several columns"; "one of the label alone"
            ));
        };
        let mut labels = Vec::new();
        for table in self.tables("data", &["labels", "labelsArray"], budget)? {
            for cell in table.into_iter().flat_map(|it| it.cells) {
                if let Cell::Text(label) = cell {
                    labels.push(label);
                }
            }
        }
        Ok(vec![(column.clone(), labels)])
    }

    /// The categories of a `VectorIndexerModel`.
    fn categories(&self, budget: &Budget) -> Result<Categories, ImportError> {
        let mut categories = Categories::new();
        for table in self.tables("data", &["categoryMaps"], budget)? {
            let odd = || ImportError::broken("categoryMaps", "other columns", "a map of maps");
            let [features, values, indices] = &table[table.len().saturating_sub(3)..] else {
                return Err(odd());
            };
            let features = features.cells.iter();
            for ((feature, values), indices) in features.zip(values.rows()).zip(indices.rows()) {
                let Cell::Integer(feature) = feature else {
                    return Err(odd());
                };
                let of_feature = categories.entry(*feature).or_default();
                for (value, index) in values.iter().zip(indices) {
                    let (Cell::Number(value), Cell::Integer(index)) = (value, index) else {
                        return Err(odd());
                    };
                    budget.take_items("categoryMaps", 1, 64)?;
                    of_feature.insert(*index, *value);
                }
            }
        }
        Ok(categories)
    }

    /// The parts of a folder of Parquet files.
    fn tables(
        &self,
        name: &str,
        columns: &[&str],
        budget: &Budget,
    ) -> Result<Vec<Vec<Column>>, ImportError> {
        let start = format!("{}{name}/part-", self.folder);
        let tables = of_start(self.members, &start)
            .map(|bytes| {
                let is_wanted =
                    |path: &[String]| path.iter().any(|name| columns.contains(&name.as_str()));
                parquet::read(bytes, &is_wanted, budget)
                    .map_err(|error| ImportError::from(error).within(&start))
            })
            .collect::<Result<Vec<_>, _>>()?;
        if tables.is_empty() {
            return Err(ImportError::broken(start, "no part", EXPECTED));
        }
        Ok(tables)
    }

    /// The weight of each tree.
    fn weights(&self, budget: &Budget) -> Result<BTreeMap<i64, f64>, ImportError> {
        let mut weights = BTreeMap::new();
        for table in self.tables("treesMetadata", &["_1", "_3", "treeID", "weights"], budget)? {
            let [ids, numbers] = &table
                .into_iter()
                .filter(|it| it.n_rows() > 0)
                .collect::<Vec<_>>()[..]
            else {
                return Err(broken!(
                    "treesMetadata"; "other columns"; "numbers and weights of trees"
                ));
            };
            for (id, weight) in ids.rows().zip(numbers.rows()) {
                if let ([Cell::Integer(id)], [Cell::Number(weight)]) = (id, weight) {
                    weights.insert(*id, *weight);
                }
            }
        }
        Ok(weights)
    }

    fn model(
        &self,
        feed: &Feed,
        classes: Option<Vec<String>>,
        maps: &Categories,
        budget: &Budget,
    ) -> Result<FloatModel, ImportError> {
        if self.param("thresholds").is_some() {
            return Err(refused!(
                "{} with thresholds", self.class(); "weigh classes when the rows are fitted"
            ));
        }
        let mut nodes = Vec::new();
        for table in self.tables("data", &COLUMNS, budget)? {
            budget.take_items("data", tree::n_rows(&table), NODE_BYTES)?;
            nodes.extend(tree::nodes(&table)?);
        }
        let trees = by_tree(nodes);
        limits::TREES.check(format!("{}data", self.folder), trees.len())?;
        let n_trees = trees.len();
        let class = self.class();
        let is_boosting = class.starts_with("GBT");
        let is_classifier = class.ends_with("ClassificationModel");
        let votes = is_classifier && !is_boosting;
        let n_classes = match votes {
            true => self.count("numClasses")?,
            false => 2,
        };
        limits::CLASSES.check("numClasses", n_classes)?;
        let weights = match is_boosting {
            true => self.weights(budget)?,
            false => BTreeMap::new(),
        };
        let trees = trees.iter().map(|(id, nodes)| {
            let place = format!("{}data, tree {id}", self.folder);
            let weight = match is_boosting {
                true => *weights.get(id).ok_or_else(|| {
                    ImportError::broken(&place, "no weight", "one in treesMetadata")
                })?,
                false => 1.0,
            };
            let raw = raw(nodes, maps, budget).map_err(|error| error.within(&place))?;
            let nodes = lower(&raw, 0, false, budget, &place, |at| match votes {
                true => nodes[at].proportions(n_classes),
                false => Ok(vec![weight * nodes[at].prediction]),
            })?;
            Ok(DraftTree::new(place, nodes, (!votes).then_some(0)))
        });
        let trees = trees.collect::<Result<Vec<_>, ImportError>>()?;
        let classes = classes::named(classes.unwrap_or_default(), n_classes);
        let draft = if votes {
            let kind = match class {
                "DecisionTreeClassificationModel" => ForestKind::DecisionTree,
                _ => ForestKind::RandomForest,
            };
            Draft::votes(kind, feed.n_raw, classes, trees)
        } else {
            let kind = match class {
                "DecisionTreeRegressionModel" => AdditiveKind::RegressionTree,
                "RandomForestRegressionModel" => AdditiveKind::RandomForestRegressor,
                _ => AdditiveKind::GradientBoosting,
            };
            let (outputs, link) = match is_classifier {
                // Twice the margin is the logit of class 1.
                true => (Outputs::Classes(classes), Link::Sigmoid { scale: 2.0 }),
                false => (Outputs::targets(1), Link::Identity),
            };
            let mut draft = Draft::new(kind, feed.n_raw, outputs, vec![0.0], trees);
            draft.link = link;
            if kind == AdditiveKind::RandomForestRegressor {
                draft.take_mean(n_trees);
            }
            draft
        };
        feed.fold(draft, Compare::Float64, budget)
    }
}

/// Members whose names begin so, in order; those of Hadoop's checksums begin with a dot.
fn of_start<'m>(members: &'m Members, start: &str) -> impl Iterator<Item = &'m [u8]> {
    let from = members.range(start.to_owned()..);
    let start = start.to_owned();
    from.take_while(move |it| it.0.starts_with(&start))
        .map(|it| &it.1[..])
}
