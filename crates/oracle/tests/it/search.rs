//! The search against looking at every point.

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use spinney_oracle::search::{Answer, Largest, Node, Problem, Shape, Steps, find, largest};

struct Drawn {
    n_cells: Vec<usize>,
    trees: Vec<Vec<Node>>,
    leaves: Vec<Vec<i64>>,
}

fn draw(random: &mut Xoshiro256PlusPlus, n_sums: usize) -> Drawn {
    let n_cells: Vec<usize> = match random.gen_range(0..8) {
        0 => vec![70, 3],
        _ => (0..random.gen_range(1..5))
            .map(|_| random.gen_range(1..6))
            .collect(),
    };
    let mut leaves = Vec::new();
    let trees = (0..random.gen_range(1..6)).map(|_| {
        let mut nodes: Vec<Option<Node>> = vec![None];
        let mut open = vec![0];
        for _ in 0..random.gen_range(0..7) {
            let at = open.swap_remove(random.gen_range(0..open.len()));
            let variable = random.gen_range(0..n_cells.len());
            let n_words = n_cells[variable].div_ceil(64);
            // Cells of no order, as categories have; the bits beyond the last are of no use.
            let left = (0..n_words).map(|_| random.r#gen()).collect();
            let children = [nodes.len(), nodes.len() + 1];
            nodes[at] = Some(Node::Split {
                variable,
                left,
                children,
            });
            nodes.extend([None, None]);
            open.extend(children);
        }
        for at in open {
            leaves.push((0..n_sums).map(|_| random.gen_range(-9..10)).collect());
            nodes[at] = Some(Node::Leaf(leaves.len() - 1));
        }
        nodes.into_iter().flatten().collect()
    });
    let trees = trees.collect();
    Drawn {
        n_cells,
        trees,
        leaves,
    }
}

/// The sums at a point, by a walk through each tree.
fn sums(problem: &Problem<'_>, point: &[usize]) -> Vec<i64> {
    let mut sums = vec![0; problem.at_least.len()];
    for tree in problem.trees {
        let mut node = 0;
        let leaf = loop {
            match &tree[node] {
                Node::Leaf(leaf) => break *leaf,
                Node::Split {
                    variable,
                    left,
                    children,
                } => {
                    let cell = point[*variable];
                    let is_left = left[cell / 64] >> (cell % 64) & 1 != 0;
                    node = children[usize::from(!is_left)];
                }
            }
        };
        for (sum, value) in sums.iter_mut().zip(&problem.leaves[leaf]) {
            *sum += value;
        }
    }
    sums
}

fn holds(problem: &Problem<'_>, within: &[Vec<u64>], point: &[usize]) -> bool {
    let is_within = within
        .iter()
        .zip(point)
        .all(|(cells, cell)| cells[cell / 64] >> (cell % 64) & 1 != 0);
    let is_ordered = problem
        .ordered
        .is_none_or(|[low, high]| point[low] <= point[high]);
    let reached = sums(problem, point);
    is_within
        && is_ordered
        && reached
            .iter()
            .zip(&problem.at_least)
            .all(|(sum, bound)| sum >= bound)
}

fn every_point(n_cells: &[usize]) -> Vec<Vec<usize>> {
    n_cells.iter().fold(vec![Vec::new()], |points, n_cells| {
        let longer = |point: &Vec<usize>, cell| [point.as_slice(), &[cell]].concat();
        let of = |point| (0..*n_cells).map(move |cell| longer(point, cell));
        points.iter().flat_map(of).collect()
    })
}

/// Most cells of each variable.
fn some_cells(random: &mut Xoshiro256PlusPlus, n_cells: &[usize]) -> Vec<Vec<u64>> {
    let of = |n_cells: &usize| {
        let mut words: Vec<u64> = (0..n_cells.div_ceil(64))
            .map(|_| random.r#gen::<u64>() | random.r#gen::<u64>())
            .collect();
        let last = words.len() - 1;
        words[last] &= u64::MAX >> (64 * words.len() - n_cells);
        words
    };
    n_cells.iter().map(of).collect()
}

#[test]
fn what_is_largest_is_that_of_all_points_and_bounds_hold_early() {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(7);
    let (mut n_early, mut n_empty) = (0, 0);
    for round in 0..5_000 {
        let Drawn {
            n_cells,
            trees,
            leaves,
        } = draw(&mut random, 1);
        let within = some_cells(&mut random, &n_cells);
        let problem = Problem {
            n_cells: n_cells.clone(),
            trees: &trees,
            leaves,
            at_least: vec![i64::MIN],
            ordered: None,
        };
        let points = every_point(&n_cells);
        let points = points.iter().filter(|it| holds(&problem, &within, it));
        let all: Vec<i64> = points.map(|point| sums(&problem, point)[0]).collect();
        let shape = Shape::new(&problem);
        for is_smallest in [false, true] {
            let of = |too_much, steps| {
                largest(
                    &problem,
                    &shape,
                    &within,
                    is_smallest,
                    too_much,
                    &mut Steps(steps),
                )
            };
            let sign = if is_smallest { -1 } else { 1 };
            let Some(expected) = all.iter().map(|sum| sign * sum).max() else {
                assert_eq!(of(i64::MAX, u64::MAX), None, "round {round}");
                n_empty += 1;
                continue;
            };
            let exact = Largest {
                at_least: expected,
                at_most: expected,
            };
            assert_eq!(of(i64::MAX, u64::MAX), Some(exact), "round {round}");
            for (too_much, steps) in [(i64::MAX, 3), (expected - 3, u64::MAX)] {
                let early = of(too_much, steps).expect("there are points");
                assert!(
                    early.at_least <= expected && expected <= early.at_most,
                    "{round}"
                );
                n_early += usize::from(early != exact);
            }
        }
    }
    assert!(n_early > 1_000 && n_empty > 100, "{n_early}, {n_empty}");
}

#[test]
fn what_is_found_is_there_and_what_is_not_found_is_nowhere() {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(24);
    let mut counts = [0; 2];
    for round in 0..5_000 {
        let n_sums = random.gen_range(1..4);
        let Drawn {
            n_cells,
            trees,
            leaves,
        } = draw(&mut random, n_sums);
        let n_variables = n_cells.len();
        let ordered = (n_variables > 1 && n_cells[0] == n_cells[1]).then_some([1, 0]);
        let within = some_cells(&mut random, &n_cells);
        let problem = Problem {
            n_cells: n_cells.clone(),
            trees: &trees,
            leaves,
            at_least: (0..n_sums).map(|_| random.gen_range(-10..15)).collect(),
            ordered,
        };
        let points = every_point(&n_cells);
        let is_somewhere = points.iter().any(|point| holds(&problem, &within, point));
        counts[usize::from(is_somewhere)] += 1;
        match find(&problem, &within, &mut Steps(u64::MAX), |_| true) {
            Answer::Found(point) => {
                assert!(holds(&problem, &within, &point), "round {round}: {point:?}");
            }
            Answer::None => assert!(!is_somewhere, "round {round}"),
            Answer::Unknown => panic!("round {round}: steps without end"),
        }
    }
    assert!(counts.iter().all(|count| *count > 1_000), "{counts:?}");
}

/// Without steps nothing is known; the answer does not come late.
#[test]
fn steps_end() {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(5);
    let mut n_unknown = 0;
    for _ in 0..300 {
        let Drawn {
            n_cells,
            trees,
            leaves,
        } = draw(&mut random, 1);
        let within: Vec<Vec<u64>> = n_cells
            .iter()
            .map(|n_cells| {
                (0..n_cells.div_ceil(64))
                    .map(|word| u64::MAX >> (64 - (n_cells - 64 * word).min(64)))
                    .collect()
            })
            .collect();
        let problem = Problem {
            n_cells,
            trees: &trees,
            leaves,
            at_least: vec![9],
            ordered: None,
        };
        let mut needed = 0;
        let mut whole = Steps(u64::MAX);
        let answer = find(&problem, &within, &mut whole, |_| true);
        needed += u64::MAX - whole.0;
        assert_eq!(
            find(&problem, &within, &mut Steps(needed + 1), |_| true),
            answer
        );
        let early = find(&problem, &within, &mut Steps(1), |_| true);
        n_unknown += usize::from(early == Answer::Unknown);
        assert!(early == Answer::Unknown || early == answer);
    }
    assert!(n_unknown > 100, "{n_unknown}");
}
