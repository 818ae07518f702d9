//! scikit-learn's naive Bayes. That of bits and that of categories are sums of one small tree per feature,
//! whose leaves hold the logarithm of a probability for each class. Those of counts are Gaussian ones whose
//! classes share their variances.

use spinney_model::{AdditiveKind, GaussianNb, Link, Node};

use super::estimator::schema;
use super::object::Object;
use crate::ImportError;
use crate::draft::{Draft, DraftTree, Outputs};

/// The most that a variance is widened by, where weights do not differ at all.
const WIDENING_MAX: f64 = 1e6;

pub(super) fn gaussian(estimator: &Object) -> Result<GaussianNb, ImportError> {
    let schema = schema(estimator)?;
    let (n_classes, n_features) = (schema.n_classes(), schema.n_features());
    let matrix = |attribute: Object| {
        let numbers = attribute.numbers(n_classes * n_features)?;
        Ok::<_, ImportError>(
            numbers
                .chunks(n_features)
                .map(<[f64]>::to_vec)
                .collect::<Vec<_>>(),
        )
    };
    let means = matrix(estimator.get("theta_")?)?;
    let variances = match estimator.find("var_") {
        Some(variances) => matrix(variances)?,
        // Its name before 1.0.
        None => matrix(estimator.get("sigma_")?)?,
    };
    let log_priors = estimator
        .get("class_prior_")?
        .numbers(n_classes)?
        .iter()
        .map(|prior| prior.ln())
        .collect();
    GaussianNb::new(schema, log_priors, means, variances)
        .map_err(|error| ImportError::from(error).within(estimator.place()))
}

/// Naive Bayes of counts, `log P(c) + Σ wᵢ(c) · xᵢ`, as the Gaussian one that differs from it by what is the
/// same for all classes: with one variance for all of them, `−(x − θ)² / 2σ²` is `x · θ / σ² − θ² / 2σ²` and
/// a term without the class. So any σ and any mean of the θ will do; those of Poisson's counts around the
/// mean of the training rows keep θ ± 8σ, where no range is given, where counts are.
pub(super) fn of_counts(estimator: &Object) -> Result<GaussianNb, ImportError> {
    let schema = schema(estimator)?;
    let (n_classes, n_features) = (schema.n_classes(), schema.n_features());
    let matrix = |name: &str| estimator.get(name)?.numbers(n_classes * n_features);
    let (weights, counts) = (matrix("feature_log_prob_")?, matrix("feature_count_")?);
    let n_rows: f64 = estimator
        .get("class_count_")?
        .numbers(n_classes)?
        .iter()
        .sum();
    let mut offsets = match estimator.class_name() {
        "ComplementNB" => vec![0.0; n_classes],
        _ => estimator.get("class_log_prior_")?.numbers(n_classes)?,
    };
    let mut means = vec![Vec::with_capacity(n_features); n_classes];
    let mut variances = Vec::with_capacity(n_features);
    let of_classes = |matrix: &[f64], feature: usize| -> Vec<f64> {
        let numbers = matrix.iter().skip(feature).step_by(n_features);
        numbers.copied().collect()
    };
    let middle_of = |weights: &[f64]| weights.iter().sum::<f64>() / n_classes as f64;
    let widest = (0..n_features).fold(0.0, |widest: f64, feature| {
        let weights = of_classes(&weights, feature);
        let middle = middle_of(&weights);
        let apart = weights.iter().map(|weight| (weight - middle).abs());
        apart.fold(widest, f64::max)
    });
    // Normalized weights hardly differ; a wider σ parts the means by as much as those of others.
    let widening = (1.0 / widest).clamp(1.0, WIDENING_MAX);
    for feature in 0..n_features {
        let weights = of_classes(&weights, feature);
        let counts = of_classes(&counts, feature);
        let mean = counts.iter().sum::<f64>() / n_rows.max(1.0);
        let variance = mean.max(1.0) * widening;
        let middle = middle_of(&weights);
        for class in 0..n_classes {
            let theta = mean + variance * (weights[class] - middle);
            offsets[class] += theta * theta / (2.0 * variance);
            means[class].push(theta);
        }
        variances.push(variance);
    }
    // Priors are at most 1; what is taken from all of them alike changes nothing.
    let largest = offsets.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let log_priors = offsets.iter().map(|offset| offset - largest).collect();
    GaussianNb::new(schema, log_priors, means, vec![variances; n_classes])
        .map_err(|error| ImportError::from(error).within(estimator.place()))
}

/// A bit per feature, 1 above `binarize`.
pub(super) fn bernoulli(estimator: &Object) -> Result<Draft, ImportError> {
    let Some(bound) = estimator.find("binarize") else {
        return Err(ImportError::refused(
            "BernoulliNB with binarize=None",
            "fit it with binarize=0.0, which takes rows of 0 and 1 as they are",
        ));
    };
    let bound = bound.number()?;
    let (n_features, n_classes) = widths(estimator)?;
    let logs = estimator.get("feature_log_prob_")?;
    let logs = logs.numbers(n_classes * n_features)?;
    let trees = (0..n_features).map(|feature| {
        let ones: Vec<f64> = (0..n_classes)
            .map(|class| logs[class * n_features + feature])
            .collect();
        let zeros = ones.iter().map(|log| libm::log1p(-libm::exp(*log)));
        let leaves = [zeros.collect(), ones];
        tree(estimator, feature, &leaves, &[bound])
    });
    draft(AdditiveKind::BernoulliNb, estimator, trees.collect())
}

/// The place of a category per feature.
pub(super) fn categorical(estimator: &Object) -> Result<Draft, ImportError> {
    let (n_features, n_classes) = widths(estimator)?;
    let lists = estimator.get("feature_log_prob_")?.items()?;
    if lists.len() != n_features {
        return Err(estimator.odd("feature_log_prob_ of each feature"));
    }
    let trees = lists.iter().enumerate().map(|(feature, list)| {
        let logs = list.list_of_numbers()?;
        let n = logs.len() / n_classes;
        if n == 0 || n * n_classes != logs.len() {
            return Err(list.odd("a number per class and category"));
        }
        let leaf = |place: usize| (0..n_classes).map(move |class| class * n + place);
        let leaves: Vec<Vec<f64>> = (0..n)
            .map(|place| leaf(place).map(|at| logs[at]).collect())
            .collect();
        // What is behind the point of a reading does not count.
        let bounds: Vec<f64> = (1..n).map(|place| (place as f64).next_down()).collect();
        tree(estimator, feature, &leaves, &bounds)
    });
    draft(AdditiveKind::CategoricalNb, estimator, trees.collect())
}

fn widths(estimator: &Object) -> Result<(usize, usize), ImportError> {
    let schema = schema(estimator)?;
    Ok((schema.n_features(), schema.n_classes()))
}

/// A balanced tree of one feature: a leaf for readings up to each bound, and one beyond.
fn tree(
    estimator: &Object,
    feature: usize,
    leaves: &[Vec<f64>],
    bounds: &[f64],
) -> Result<DraftTree, ImportError> {
    let (budget, place) = (estimator.budget(), estimator.place());
    DraftTree::take(budget, place, 2 * leaves.len())?;
    let n_values = leaves.iter().map(Vec::len).sum();
    budget.take_items(place, n_values, 16)?;
    let feature = u32::try_from(feature).unwrap_or(u32::MAX);
    let mut nodes = Vec::with_capacity(2 * leaves.len());
    grow(&mut nodes, feature, leaves, bounds);
    Ok(DraftTree::new(place, nodes, None))
}

/// Adds the nodes of a balanced tree, and gives the index of its root.
fn grow(nodes: &mut Vec<Node>, feature: u32, leaves: &[Vec<f64>], bounds: &[f64]) -> u32 {
    let at = nodes.len();
    nodes.push(Node::Leaf(leaves[0].clone()));
    if leaves.len() > 1 {
        let middle = leaves.len() / 2;
        let left = grow(nodes, feature, &leaves[..middle], &bounds[..middle - 1]);
        let right = grow(nodes, feature, &leaves[middle..], &bounds[middle..]);
        nodes[at] = Node::at_most(feature, bounds[middle - 1], None, [left, right]);
    }
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// The sum of the trees, from the logarithms of the classes' own probabilities on.
fn draft(
    kind: AdditiveKind,
    estimator: &Object,
    trees: Result<Vec<DraftTree>, ImportError>,
) -> Result<Draft, ImportError> {
    let schema = schema(estimator)?;
    let base = estimator.get("class_log_prior_")?;
    let base = base.numbers(schema.n_classes())?;
    let outputs = Outputs::Classes(schema.classes().to_vec());
    Ok(Draft {
        link: Link::Softmax,
        ..Draft::new(kind, schema.n_features(), outputs, base, trees?)
    })
}
