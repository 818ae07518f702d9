//! Checkpoints of treelite, `model.serialize("model.bin")`, in version 4 of its serialization: little-endian,
//! written down in `docs/serialization/v4.rst` of its repository. cuML and nvForest write and read them, and
//! treelite makes them of whatever its front ends read.
//!
//! They are taken to mean what treelite's own prediction (GTIL) makes of them: readings and sums in the type
//! of the thresholds, trees in their order, then the mean, then the base scores.

mod tree;

use serde_json::Value;
use spinney_dataset::Budget;
use spinney_model::{AdditiveKind, Compare, ForestKind, Link, limits};

use crate::draft::{Draft, DraftTree, Outputs};
use crate::error::check_lengths;
use crate::fold::Feed;
use crate::{Format, ImportError, Imported, Origin, shown};
use tree::RawTree;

/// Bytes that a node takes beside its lists.
const NODE_BYTES: u64 = 120;

/// Whether the bytes begin as treelite's serialization does: a version of three numbers, then the types of
/// thresholds and of leaves, of which there are three.
pub(crate) fn is_checkpoint(bytes: &[u8]) -> bool {
    let Some((version, types)) = bytes.split_at_checked(12) else {
        return false;
    };
    let is_version = matches!(
        version.as_chunks().0,
        [[3 | 4, 0, 0, 0], [0..=99, 0, 0, 0], [0..=99, 0, 0, 0]]
    );
    is_version && matches!(types, [1..=3, 1..=3, ..])
}

/// The rest of a file.
struct Bytes<'b> {
    rest: &'b [u8],
    budget: &'b Budget,
}

/// A number of a fixed width.
trait Scalar: Sized {
    const WIDTH: usize;
    fn read(bytes: &[u8]) -> Self;
}

macro_rules! scalar {
    ($($kind:ty),*) => {$(
        impl Scalar for $kind {
            const WIDTH: usize = size_of::<$kind>();
            fn read(bytes: &[u8]) -> Self {
                Self::from_le_bytes(bytes.try_into().expect("so many bytes"))
            }
        }
    )*};
}

scalar!(u8, i32, u32, u64, f32, f64);

impl<'b> Bytes<'b> {
    fn take(&mut self, what: &str, n: usize) -> Result<&'b [u8], ImportError> {
        let n_left = self.rest.len();
        self.rest
            .split_off(..n)
            .ok_or_else(|| broken!(what; "{n_left} bytes"; "{n}; the file may be cut short"))
    }

    fn one<T: Scalar>(&mut self, what: &str) -> Result<T, ImportError> {
        Ok(T::read(self.take(what, T::WIDTH)?))
    }

    fn list<T: Scalar>(&mut self, what: &str) -> Result<Vec<T>, ImportError> {
        let n = self.one::<u64>(what)?;
        let n_bytes = usize::try_from(n)
            .ok()
            .and_then(|n| n.checked_mul(T::WIDTH));
        let bytes = self.take(what, n_bytes.unwrap_or(usize::MAX))?;
        self.budget
            .take_items(what, bytes.len() / T::WIDTH, T::WIDTH as u64)?;
        Ok(bytes.chunks_exact(T::WIDTH).map(T::read).collect())
    }

    fn text(&mut self, what: &str) -> Result<String, ImportError> {
        let bytes = self.list::<u8>(what)?;
        String::from_utf8(bytes)
            .map_err(|_| ImportError::broken(what, "other bytes", "text in UTF-8"))
    }

    /// Numbers of the type of thresholds and leaves.
    fn floats(&mut self, what: &str, is_double: bool) -> Result<Vec<f64>, ImportError> {
        if is_double {
            return self.list::<f64>(what);
        }
        let singles = self.list::<f32>(what)?;
        self.budget.take_items(what, singles.len(), 8)?;
        Ok(singles.into_iter().map(f64::from).collect())
    }

    /// A count, which is written with a sign.
    fn count(&mut self, what: &str) -> Result<usize, ImportError> {
        let n = self.one::<i32>(what)?;
        usize::try_from(n).map_err(|_| broken!(what; "{n}"; "an integer of at least 0"))
    }

    /// What later versions may put into the slots for extensions.
    fn nothing(&mut self, what: &str) -> Result<(), ImportError> {
        match self.one::<i32>(what)? {
            0 => Ok(()),
            n => Err(ImportError::refused(
                format!("a treelite checkpoint with {n} fields more ({what})"),
                "they may change what the model says; write it with treelite 4.0 to 4.8",
            )),
        }
    }
}

/// What stands before the trees.
struct Header {
    is_double: bool,
    version: String,
    n_trees: usize,
    n_features: usize,
    task: u8,
    is_mean: bool,
    n_targets: usize,
    n_classes: Vec<i32>,
    leaf_shape: Vec<i32>,
    target_ids: Vec<i32>,
    class_ids: Vec<i32>,
    postprocessor: String,
    sigmoid_alpha: f32,
    ratio_c: f32,
    base: Vec<f64>,
    attributes: String,
}

impl Header {
    fn read(bytes: &mut Bytes) -> Result<Self, ImportError> {
        let version = [(); 3].map(|()| bytes.one::<i32>("the version"));
        let [major, minor, patch] = version;
        let (major, minor, patch) = (major?, minor?, patch?);
        if major != 4 {
            return Err(ImportError::refused(
                format!("a treelite checkpoint of version {major}.{minor}"),
                "version 4 is read: load the original model with treelite 4 and serialize it again",
            ));
        }
        let is_double = match (
            bytes.one::<u8>("the type of thresholds")?,
            bytes.one::<u8>("that of leaves")?,
        ) {
            (2, 2) => false,
            (3, 3) => true,
            (thresholds, leaves) => {
                return Err(broken!(
                    "the types of thresholds and leaves"; "{thresholds} and {leaves}";
                    "2 (float32) or 3 (float64) of both"
                ));
            }
        };
        let n_trees = bytes.one::<u64>("num_tree")?;
        let n_trees = usize::try_from(n_trees).unwrap_or(usize::MAX);
        limits::TREES.check("num_tree", n_trees)?;
        let n_features = bytes.count("num_feature")?;
        limits::FEATURES.check("num_feature", n_features)?;
        let header = Self {
            is_double,
            version: format!("{major}.{minor}.{patch}"),
            n_trees,
            n_features,
            task: bytes.one("task_type")?,
            is_mean: bytes.one::<u8>("average_tree_output")? != 0,
            n_targets: bytes.count("num_target")?,
            n_classes: bytes.list("num_class")?,
            leaf_shape: bytes.list("leaf_vector_shape")?,
            target_ids: bytes.list("target_id")?,
            class_ids: bytes.list("class_id")?,
            postprocessor: bytes.text("postprocessor")?,
            sigmoid_alpha: bytes.one("sigmoid_alpha")?,
            ratio_c: bytes.one("ratio_c")?,
            base: bytes.list("base_scores")?,
            attributes: bytes.text("attributes")?,
        };
        bytes.nothing("num_opt_field_per_model")?;
        let n_classes = ("num_class", header.n_classes.len());
        check_lengths(&[n_classes], header.n_targets, "")?;
        check_lengths(&[("leaf_vector_shape", header.leaf_shape.len())], 2, "")?;
        let of_trees = [
            ("target_id", header.target_ids.len()),
            ("class_id", header.class_ids.len()),
        ];
        check_lengths(&of_trees, n_trees, "one per tree, ")?;
        Ok(header)
    }

    /// What the model delivers, through which link, and the raw value that class 1 of two is above.
    fn outputs(&self) -> Result<(Outputs, Link, Option<f64>), ImportError> {
        let max_class = self.n_classes.iter().max().copied().unwrap_or(0);
        let max_class = usize::try_from(max_class).unwrap_or(0);
        let post = self.postprocessor.as_str();
        let refused = |what: String| {
            Err(ImportError::refused(
                format!("a treelite checkpoint {what}"),
                "classifiers, regressors and isolation forests with identity, sigmoid, softmax, \
                 multiclass_ova or exponential are read",
            ))
        };
        let is_multi = self.task == 2;
        if is_multi && self.n_targets != 1 {
            return refused(format!("with {} targets of classes", self.n_targets));
        }
        if is_multi {
            limits::CLASSES.check("num_class", max_class)?;
        } else {
            limits::TARGETS.check("num_target", self.n_targets)?;
            if self.n_classes.iter().any(|n| *n != 1) {
                return Err(broken!("num_class"; "another list"; "1 for each target"));
            }
        }
        if matches!(self.task, 0 | 4) && self.n_targets != 1 {
            return refused(format!("with {} targets", self.n_targets));
        }
        let outputs = match self.task {
            0 => Outputs::numbered(2),
            1 => Outputs::targets(self.n_targets),
            2 => Outputs::numbered(max_class),
            3 => return refused("that ranks".to_owned()),
            _ => Outputs::Detector,
        };
        let link = match (self.task, post) {
            (0, "identity" | "hinge") | (1, "identity") | (2, "identity_multiclass") => {
                Link::Identity
            }
            (0 | 1, "sigmoid") | (2, "multiclass_ova") => Link::Sigmoid {
                scale: self.sigmoid_alpha.into(),
            },
            (1, "exponential") => Link::Exp,
            (2, "softmax") => Link::Softmax,
            (4, "exponential_standard_ratio") => Link::Isolation {
                offset: self.isolation_offset()?,
            },
            (task, post) => return refused(format!("of task {task} with {}", shown(post))),
        };
        // The mean of shares is above half of all.
        let are_shares = (self.task, post) == (0, "identity") && self.is_mean;
        Ok((outputs, link, are_shares.then_some(0.5)))
    }

    /// The score below which an isolation forest of scikit-learn raises an alarm.
    fn isolation_offset(&self) -> Result<f64, ImportError> {
        let attributes: Value = match self.attributes.trim() {
            "" => Value::Null,
            text => serde_json::from_str(text)
                .map_err(|error| ImportError::broken("attributes", error.to_string(), "JSON"))?,
        };
        let offset = &attributes["sklearn_iforest_offset"];
        Ok(offset.as_f64().unwrap_or(-0.5))
    }
}

pub(crate) fn import(bytes: &[u8]) -> Result<Imported, ImportError> {
    let budget = Budget::of(bytes.len());
    let mut bytes = Bytes {
        rest: bytes,
        budget: &budget,
    };
    let header = Header::read(&mut bytes)?;
    let (outputs, link, threshold) = header.outputs()?;
    let n = header.base.len();
    let wanted = match &outputs {
        Outputs::Classes(classes) if header.task == 2 => classes.len(),
        Outputs::Targets(targets) => targets.len(),
        _ => 1,
    };
    if n != wanted {
        return Err(broken!("base_scores"; "{n} numbers"; "{wanted}"));
    }
    let cast = match header.is_double {
        true => Compare::Float64,
        false => Compare::Float32,
    };
    budget.take_items("num_tree", header.n_trees, NODE_BYTES)?;
    let mut trees = Vec::with_capacity(header.n_trees);
    for index in 0..header.n_trees {
        let place = format!("trees[{index}]");
        let tree =
            RawTree::read(&mut bytes, header.is_double).map_err(|error| error.within(&place))?;
        let output = header.output(index).map_err(|error| error.within(&place))?;
        let width = if output.is_some() { 1 } else { n };
        let nodes = tree.nodes(width, cast, &budget, &place)?;
        trees.push(DraftTree::new(place, nodes, output));
    }
    if !bytes.rest.is_empty() {
        return Err(broken!(
            "the end of the file"; "{} bytes more", bytes.rest.len(); "none behind the last tree"
        ));
    }
    let notes = match outputs {
        Outputs::Classes(_) => vec!["Classes are numbers; treelite keeps no labels.".to_owned()],
        _ => Vec::new(),
    };
    let feed = Feed::raw(None, header.n_features);
    let draft = match outputs {
        Outputs::Classes(classes) if header.votes(classes.len(), link, &trees) => {
            Draft::votes(ForestKind::RandomForest, header.n_features, classes, trees)
        }
        outputs => header.draft(outputs, link, threshold, trees),
    };
    let model = feed.fold(draft, cast, &budget)?;
    Ok(Imported {
        model,
        origin: Origin {
            format: Format::Treelite,
            estimator: format!(
                "{}, {}",
                TASKS[usize::from(header.task).min(TASKS.len() - 1)],
                header.postprocessor
            ),
            library: Some(format!("treelite {}", header.version)),
            steps: Vec::new(),
            notes,
        },
    })
}

const TASKS: [&str; 5] = [
    "binary classifier",
    "regressor",
    "classifier",
    "ranker",
    "isolation forest",
];

impl Header {
    /// Whether leaves hold class proportions whose mean is delivered.
    fn votes(&self, n_classes: usize, link: Link, trees: &[DraftTree]) -> bool {
        let is_proportions = |values: &[f64]| {
            let sum: f64 = values.iter().sum();
            values.len() == n_classes
                && (sum - 1.0).abs() <= 1e-6
                && values.iter().all(|value| (0.0..=1.0).contains(value))
        };
        let mut leaves = trees.iter().flat_map(|tree| &tree.nodes);
        self.is_mean
            && link == Link::Identity
            && self.base.iter().all(|base| *base == 0.0)
            && leaves.all(|node| node.leaf().is_none_or(is_proportions))
    }

    /// The one output that a tree adds to.
    fn output(&self, index: usize) -> Result<Option<usize>, ImportError> {
        let (target, class) = (self.target_ids[index], self.class_ids[index]);
        let n = self.base.len();
        if n == 1 {
            return Ok(Some(0));
        }
        // There are several targets or several classes, and one of the other.
        let id = if self.task == 2 { class } else { target };
        if id == -1 {
            return Ok(None);
        }
        let output = usize::try_from(id).ok().filter(|output| *output < n);
        output
            .map(Some)
            .ok_or_else(|| broken!("target_id or class_id"; "{id}"; "-1, or an index below {n}"))
    }

    fn draft(
        &self,
        outputs: Outputs,
        link: Link,
        threshold: Option<f64>,
        trees: Vec<DraftTree>,
    ) -> Draft {
        let kind = match self.task {
            4 => AdditiveKind::IsolationForest,
            _ => AdditiveKind::Additive,
        };
        // Trees of one output each are as many as there are of that output.
        let of_first = trees.iter().filter(|it| it.output.is_none_or(|it| it == 0));
        let n_of_first = of_first.count();
        let base = self.base.clone();
        let mut draft = Draft {
            link,
            threshold,
            ..Draft::new(kind, self.n_features, outputs, base, trees)
        };
        if self.is_mean {
            draft.take_mean(n_of_first);
        }
        if matches!(link, Link::Isolation { .. }) {
            draft.sum.divisor *= f64::from(self.ratio_c);
        }
        if !self.is_double {
            draft.add_singly();
        }
        draft
    }
}
