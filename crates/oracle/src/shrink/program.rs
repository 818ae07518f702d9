//! A linear program in a dense tableau, solved by the dual simplex method: rows may be added to what
//! was solved, which is all that cutting planes ask for.

use crate::search::Steps;

/// Numbers whose weighted sizes add up to the least, `Σ cost · |x|`, where each row's sum of them,
/// `Σ a · x`, is at least one. A number without a cost is free.
///
/// Each row of the tableau says what a variable is, given those of the columns, which are zero. The
/// costs of columns are never negative, so that the tableau is the best one but for rows whose
/// variable is below zero.
#[derive(Debug, Clone)]
pub struct Program {
    costs: Vec<f64>,
    columns: Vec<Variable>,
    /// What one of a column costs more.
    reduced: Vec<f64>,
    rows: Vec<Row>,
}

/// A number, or its negative, or by how much a sum is above one.
#[derive(Debug, Clone, Copy)]
struct Variable {
    number: Option<usize>,
    sign: f64,
}

#[derive(Debug, Clone)]
struct Row {
    variable: Variable,
    value: f64,
    by: Vec<f64>,
}

impl Row {
    fn add(&mut self, factor: f64, other: &Self) {
        self.value += factor * other.value;
        add(&mut self.by, factor, &other.by);
    }
}

impl Program {
    /// Of nothing demanded yet, with these costs.
    pub fn new(costs: Vec<f64>) -> Self {
        let number = |number| Variable {
            number: Some(number),
            sign: 1.0,
        };
        Self {
            columns: (0..costs.len()).map(number).collect(),
            reduced: costs.clone(),
            rows: Vec::new(),
            costs,
        }
    }

    /// Demands another sum, by what it has of each number.
    pub fn require(&mut self, of: &[f64]) {
        let own = |it: &Variable| it.number.map_or(0.0, |number| of[number] * it.sign);
        let mut sum = Row {
            variable: Variable {
                number: None,
                sign: 1.0,
            },
            value: -1.0,
            by: self.columns.iter().map(own).collect(),
        };
        for row in &self.rows {
            let factor = own(&row.variable);
            if factor != 0.0 {
                sum.add(factor, row);
            }
        }
        self.rows.push(sum);
    }

    /// The numbers, where there are such and the steps do not end before.
    pub fn solve(&mut self, steps: &mut Steps) -> Option<Vec<f64>> {
        const LEAST: f64 = 1e-9;
        // A tableau's numbers are read in a row, many at a time.
        const NUMBERS_PER_STEP: usize = 64;
        while let Some(row) = self.lowest() {
            let work = self.rows.len() * self.columns.len() / NUMBERS_PER_STEP;
            steps.0 = steps.0.checked_sub(work as u64 + 1)?;
            // The first column, or the row itself with its sign turned, whose cost would sink below zero.
            let mut first = (self.turned(self.rows[row].variable), 0.0, None);
            for (column, by) in self.rows[row].by.iter().enumerate() {
                let reduced = match *by {
                    by if by > LEAST => self.reduced[column],
                    by if by < -LEAST => self.turned(self.columns[column]) - self.reduced[column],
                    _ => continue,
                };
                let ratio = reduced.max(0.0) / by.abs();
                if ratio < first.0 || (ratio <= first.0 && by.abs() > first.1) {
                    first = (ratio, by.abs(), Some(column));
                }
            }
            match first {
                (f64::INFINITY, ..) => return None,
                (_, _, Some(column)) => {
                    if self.rows[row].by[column] < 0.0 {
                        self.turn_column(column);
                    }
                    self.exchange(row, column);
                }
                (_, _, None) => self.turn_row(row),
            }
        }
        let mut numbers = vec![0.0; self.costs.len()];
        for row in &self.rows {
            if let Some(number) = row.variable.number {
                numbers[number] = row.variable.sign * row.value;
            }
        }
        Some(numbers)
    }

    /// The row that is furthest below zero, for how much columns change it.
    fn lowest(&self) -> Option<usize> {
        const BELOW: f64 = -1e-7;
        let is_free = |row: &Row| row.variable.number.is_some_and(|it| self.costs[it] == 0.0);
        let rows = self.rows.iter().enumerate();
        let below = rows.filter(|(_, row)| row.value < BELOW && !is_free(row));
        let distance = |row: &Row| {
            let by: f64 = row.by.iter().map(|by| by * by).sum();
            row.value * row.value / (1.0 + by)
        };
        let distances = below.map(|(at, row)| (at, distance(row)));
        let furthest = distances.max_by(|(_, one), (_, other)| one.total_cmp(other));
        furthest.map(|(at, _)| at)
    }

    /// What a variable costs more with its sign turned; what is above a sum's bound has one sign.
    fn turned(&self, variable: Variable) -> f64 {
        let cost = variable.number.map(|number| self.costs[number]);
        cost.map_or(f64::INFINITY, |cost| 2.0 * cost)
    }

    fn turn_column(&mut self, column: usize) {
        self.reduced[column] = self.turned(self.columns[column]) - self.reduced[column];
        self.columns[column].sign *= -1.0;
        for row in &mut self.rows {
            row.by[column] *= -1.0;
        }
    }

    fn turn_row(&mut self, row: usize) {
        let more = self.turned(self.rows[row].variable);
        let row = &mut self.rows[row];
        add(&mut self.reduced, -more, &row.by);
        row.variable.sign *= -1.0;
        row.value *= -1.0;
        row.by.iter_mut().for_each(|by| *by *= -1.0);
    }

    /// Exchanges the variables of a row and a column.
    fn exchange(&mut self, row: usize, column: usize) {
        let mut solved = self.rows.swap_remove(row);
        let pivot = solved.by[column];
        solved.value /= -pivot;
        solved.by.iter_mut().for_each(|by| *by /= -pivot);
        solved.by[column] = 1.0 / pivot;
        std::mem::swap(&mut solved.variable, &mut self.columns[column]);
        let factor = std::mem::take(&mut self.reduced[column]);
        add(&mut self.reduced, factor, &solved.by);
        for row in &mut self.rows {
            let factor = std::mem::take(&mut row.by[column]);
            if factor != 0.0 {
                row.add(factor, &solved);
            }
        }
        self.rows.push(solved);
    }
}

fn add(to: &mut [f64], factor: f64, from: &[f64]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += factor * from;
    }
}
