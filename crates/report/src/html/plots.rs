//! Plots as SVG. The library draws with colours that stand for roles; they become classes of the
//! page's style, so that one drawing fits light, dark and paper.

use std::ops::Range;

use maud::{Markup, PreEscaped, html};
use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use spinney_evaluate::{Detection, MarginUnit, Margins};

use super::FrontPoint;
use crate::{Candidate, Value};

/// Width and height of a drawing; the page scales it.
const SIZE: (u32, u32) = (540, 280);
const FONT: (&str, u32) = ("sans-serif", 13);

/// What a colour stands for: the drawn one, and the class's name.
const ROLES: [(RGBColor, &str); 5] = [
    (TEXT, "text"),
    (AXIS, "axis"),
    (BAR, "bar"),
    (DARK, "dark"),
    (ALARM, "alarm"),
];
const TEXT: RGBColor = RGBColor(1, 0, 1);
const AXIS: RGBColor = RGBColor(2, 0, 2);
const BAR: RGBColor = RGBColor(3, 0, 3);
const DARK: RGBColor = RGBColor(4, 0, 4);
const ALARM: RGBColor = RGBColor(5, 0, 5);

/// Height of a line of text.
const LINE: f64 = 15.0;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

type Chart<'a> = ChartContext<'a, SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// What stands along the axes of a chart.
struct Axes<'a> {
    x: &'a str,
    y: &'a str,
    /// Room for the numbers of the upright axis.
    y_width: u32,
    n_x_labels: usize,
    n_y_labels: usize,
    has_x_mesh: bool,
    x_number: fn(f64) -> String,
    y_number: fn(f64) -> String,
}

impl<'a> Axes<'a> {
    fn new(x: &'a str, y: &'a str) -> Self {
        Self {
            x,
            y,
            y_width: 56,
            n_x_labels: 6,
            n_y_labels: 5,
            has_x_mesh: true,
            x_number: short,
            y_number: short,
        }
    }

    /// An empty chart that fills the area.
    fn chart<'b>(
        &self,
        area: &Area<'b>,
        x: Range<f64>,
        y: Range<f64>,
    ) -> Result<Chart<'b>, DrawingAreaErrorKind<std::io::Error>> {
        let mut chart = ChartBuilder::on(area)
            .margin(8)
            .x_label_area_size(44)
            .y_label_area_size(self.y_width)
            .build_cartesian_2d(x, y)?;
        let x_number = |x: &f64| (self.x_number)(*x);
        let y_number = |y: &f64| (self.y_number)(*y);
        let mut mesh = chart.configure_mesh();
        if !self.has_x_mesh {
            mesh.disable_x_mesh();
        }
        mesh.light_line_style(TRANSPARENT)
            .bold_line_style(AXIS)
            .axis_style(AXIS)
            .label_style(FONT.into_font().color(&TEXT))
            .axis_desc_style(FONT.into_font().color(&TEXT))
            .x_desc(self.x)
            .y_desc(self.y)
            .x_labels(self.n_x_labels)
            .y_labels(self.n_y_labels)
            .x_label_formatter(&x_number)
            .y_label_formatter(&y_number)
            .draw()?;
        drop(mesh);
        Ok(chart)
    }
}

/// Rows per margin: all, those that are wrong, and marks where float and Q15 disagree.
pub(super) fn margins(margins: &Margins) -> Markup {
    let n_rows: usize = margins.bins.iter().map(|bin| bin.rows).sum();
    let differing: usize = margins.bins.iter().map(|bin| bin.differing).sum();
    let title = format!(
        "Histogram of the decision margins of {n_rows} rows; {differing} disagree with float"
    );
    drawn(&title, |area| draw_margins(area, margins))
}

fn draw_margins(area: &Area<'_>, margins: &Margins) -> Drawn {
    let width = margins.bin_width;
    let end = width * margins.bins.len() as f64;
    let top = margins
        .bins
        .iter()
        .map(|bin| bin.rows)
        .max()
        .unwrap_or(0)
        .max(1) as f64;
    let lead = match margins.unit {
        MarginUnit::ShareOfVotes => "lead, as a share of all votes",
        MarginUnit::Nats => "lead, nats",
    };
    let axes = Axes {
        n_x_labels: 10,
        has_x_mesh: false,
        ..Axes::new(lead, "test rows")
    };
    let mut chart = axes.chart(area, 0.0..end, 0.0..top * 1.12)?;
    for (index, bin) in margins.bins.iter().enumerate() {
        let (from, to) = ((index as f64 + 0.07) * width, (index as f64 + 0.93) * width);
        let mut bar = |rows: usize, colour: RGBColor| {
            let corners = [(from, 0.0), (to, rows as f64)];
            chart
                .draw_series([Rectangle::new(corners, colour.filled())])
                .map(|_| ())
        };
        if bin.rows > 0 {
            bar(bin.rows, BAR)?;
        }
        if let Some(wrong @ 1..) = bin.wrong {
            bar(wrong, DARK)?;
        }
        if bin.differing > 0 {
            let at = ((from + to) / 2.0, bin.rows as f64);
            chart
                .draw_series([EmptyElement::at(at)
                    + Polygon::new([(-6, -14), (6, -14), (0, -4)], ALARM.filled())])?;
        }
    }
    area.present()
}

/// Residuals of Q15 over its values.
pub(super) fn residuals(value: &Value) -> Markup {
    let rows = value.sample.iter();
    let points: Vec<(f64, f64)> = rows
        .filter_map(|row| Some((row.q15, row.label? - row.q15)))
        .collect();
    let title = format!("Residuals of {} rows over the value of Q15", points.len());
    let words = ("value of Q15", "label less value");
    drawn(&title, |area| draw_points(area, &points, words, None))
}

/// What Q15 is off float, over float's values, with the bound.
pub(super) fn errors(value: &Value) -> Markup {
    let rows = value.sample.iter();
    let points: Vec<(f64, f64)> = rows.map(|row| (row.float, row.q15 - row.float)).collect();
    let bound = value.error_bound.or(value.row_bound_max);
    let title = format!("Difference of Q15 and float in {} rows", points.len());
    let words = ("value of float", "Q15 less float");
    drawn(&title, |area| draw_points(area, &points, words, bound))
}

/// Points about zero; `bound` is drawn on both sides of it.
fn draw_points(
    area: &Area<'_>,
    points: &[(f64, f64)],
    (x_words, y_words): (&str, &str),
    bound: Option<f64>,
) -> Drawn {
    let (left, right) = points
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |it, at| {
            (it.0.min(at.0), it.1.max(at.0))
        });
    let pad = |span: f64| if span > 0.0 { span * 0.04 } else { 1.0 };
    let (left, right) = (left - pad(right - left), right + pad(right - left));
    let most = points
        .iter()
        .map(|at| at.1.abs())
        .fold(bound.unwrap_or(0.0), f64::max);
    let most = if most > 0.0 { most * 1.15 } else { 1.0 };
    let axes = Axes {
        y_width: 76,
        n_x_labels: 8,
        has_x_mesh: false,
        x_number: crate::task::rounded,
        y_number: crate::task::rounded,
        ..Axes::new(x_words, y_words)
    };
    let mut chart = axes.chart(area, left..right, -most..most)?;
    chart.draw_series([PathElement::new(
        [(left, 0.0), (right, 0.0)],
        AXIS.stroke_width(2),
    )])?;
    let dots = points.iter().map(|at| Circle::new(*at, 2, DARK.filled()));
    chart.draw_series(dots)?;
    for line in bound.iter().flat_map(|bound| [*bound, -bound]) {
        let line = [(left, line), (right, line)];
        chart.draw_series(DashedLineSeries::new(line, 6, 4, ALARM.stroke_width(2)))?;
    }
    area.present()
}

/// Anomalies found over false alarms, with the point of the threshold.
pub(super) fn roc(detect: &Detection, at: Option<(f64, f64)>) -> Markup {
    let curve = detect.curve.iter();
    let points: Vec<(f64, f64)> = curve.map(|it| (it.false_alarm_rate, it.recall)).collect();
    let words = ("false alarms, as a share of normal rows", "anomalies found");
    drawn("ROC curve of Q15", |area| {
        draw_curve(area, &points, words, at, true)
    })
}

/// Alarms that are right over anomalies found, with the point of the threshold.
pub(super) fn precision_recall(detect: &Detection, at: Option<(f64, f64)>) -> Markup {
    let curve = detect.curve.iter();
    let points: Vec<(f64, f64)> = curve.map(|it| (it.recall, it.precision)).collect();
    let words = ("anomalies found", "alarms that are right");
    drawn("Precision over recall of Q15", |area| {
        draw_curve(area, &points, words, at, false)
    })
}

fn draw_curve(
    area: &Area<'_>,
    points: &[(f64, f64)],
    (x_words, y_words): (&str, &str),
    at: Option<(f64, f64)>,
    has_diagonal: bool,
) -> Drawn {
    let axes = Axes {
        n_y_labels: 6,
        ..Axes::new(x_words, y_words)
    };
    let mut chart = axes.chart(area, 0.0..1.02, 0.0..1.04)?;
    if has_diagonal {
        let line = [(0.0, 0.0), (1.0, 1.0)];
        chart.draw_series(DashedLineSeries::new(line, 6, 4, BAR.stroke_width(1)))?;
    }
    chart.draw_series([PathElement::new(points.to_vec(), DARK.stroke_width(2))])?;
    chart.draw_series(at.map(|at| Circle::new(at, 5, ALARM.filled())))?;
    area.present()
}

/// Forms of the model by flash and instructions, with the budgets that are near.
pub(super) fn encodings(
    candidates: &[Candidate],
    flash: Option<u64>,
    instructions: Option<u64>,
) -> Markup {
    let title = "Flash of the image against instructions per inference of each encoding";
    drawn(title, |area| {
        draw_encodings(area, candidates, flash, instructions)
    })
}

fn draw_encodings(
    area: &Area<'_>,
    candidates: &[Candidate],
    flash: Option<u64>,
    instructions: Option<u64>,
) -> Drawn {
    let mut points: Vec<(f64, f64, &Candidate)> = candidates
        .iter()
        .filter_map(|it| Some((it.flash_bytes as f64, it.instructions?.mean, it)))
        .collect();
    points.sort_by(|a, b| a.1.total_cmp(&b.1));
    let most = |value: &dyn Fn(&(f64, f64, &Candidate)) -> f64| {
        points.iter().map(value).fold(1.0, f64::max)
    };
    let (flash_most, cost_most) = (most(&|it| it.0), most(&|it| it.1));
    let near = |budget: Option<u64>, most: f64| {
        budget
            .map(|budget| budget as f64)
            .filter(|budget| *budget <= most * 1.6)
    };
    let (flash, instructions) = (near(flash, flash_most), near(instructions, cost_most));
    let right = flash.unwrap_or(0.0).max(flash_most * 1.25) * 1.18;
    let top = instructions.unwrap_or(0.0).max(cost_most) * 1.18;
    let axes = Axes {
        y_width: 64,
        ..Axes::new("flash of the image, bytes", "instructions, mean")
    };
    let mut chart = axes.chart(area, 0.0..right, 0.0..top)?;
    let mut dashed = |line: [(f64, f64); 2]| {
        chart
            .draw_series(DashedLineSeries::new(line, 6, 4, ALARM.stroke_width(2)))
            .map(|_| ())
    };
    if let Some(flash) = flash {
        dashed([(flash, 0.0), (flash, top)])?;
    }
    if let Some(instructions) = instructions {
        dashed([(0.0, instructions), (right, instructions)])?;
    }
    let budget = FONT.into_font().color(&ALARM);
    if let Some(flash) = flash {
        let style = budget.pos(Pos::new(HPos::Right, VPos::Top));
        let text = format!("budget {}", short(flash));
        chart.draw_series([EmptyElement::at((flash, top)) + Text::new(text, (-6, 4), style)])?;
    }
    if let Some(instructions) = instructions {
        let style = budget.pos(Pos::new(HPos::Left, VPos::Bottom));
        let text = format!("budget {}", short(instructions));
        chart.draw_series([
            EmptyElement::at((0.0, instructions)) + Text::new(text, (6, -4), style)
        ])?;
    }
    let mut front: Vec<(f64, f64)> = points
        .iter()
        .filter(|it| it.2.is_on_front)
        .map(|it| (it.0, it.1))
        .collect();
    front.sort_by(|a, b| a.0.total_cmp(&b.0));
    chart.draw_series([PathElement::new(front, BAR.stroke_width(2))])?;
    let mut taken: Vec<f64> = Vec::new();
    for (x, y, it) in &points {
        let at = (*x, *y);
        // The front falls to the right, so a label is clear of it above to the right; those of
        // points that are close go up, from the lowest point on.
        let mut line = (top - y) / top * f64::from(SIZE.1);
        let mut shift = 0;
        while taken.iter().any(|at| (at - line).abs() < LINE) {
            line -= LINE;
            shift -= LINE as i32;
        }
        taken.push(line);
        let anchor = Pos::new(HPos::Left, VPos::Bottom);
        let style = FONT.into_font().color(&TEXT).pos(anchor);
        let label = EmptyElement::at(at) + Text::new(it.name.clone(), (10, shift - 4), style);
        chart.draw_series([label])?;
        if it.is_chosen {
            chart.draw_series([Circle::new(at, 6, DARK.filled())])?;
        } else if it.is_on_front {
            chart.draw_series([Circle::new(at, 6, DARK.stroke_width(2))])?;
        } else {
            chart.draw_series([EmptyElement::at(at)
                + PathElement::new([(-5, 0), (5, 0)], DARK.stroke_width(2))
                + PathElement::new([(0, -5), (0, 5)], DARK.stroke_width(2))])?;
        }
    }
    area.present()
}

/// Scores of models over what one of their figures is.
pub(super) fn front(
    front: &[FrontPoint],
    objective: &str,
    x_words: &str,
    x_of: impl Fn(&FrontPoint) -> Option<f64>,
) -> Markup {
    let points = front
        .iter()
        .filter_map(|it| Some((x_of(it)?, it.score, it)));
    let points: Vec<(f64, f64, &FrontPoint)> = points.collect();
    let title = format!("{objective} over {x_words}");
    drawn(&title, |area| {
        draw_front(area, &points, (x_words, objective))
    })
}

fn draw_front(
    area: &Area<'_>,
    points: &[(f64, f64, &FrontPoint)],
    (x_words, y_words): (&str, &str),
) -> Drawn {
    let right = points.iter().map(|it| it.0).fold(1.0, f64::max) * 1.05;
    let span =
        |(low, high): (f64, f64), it: &(f64, f64, &FrontPoint)| (low.min(it.1), high.max(it.1));
    let (low, high) = points.iter().fold((f64::INFINITY, f64::NEG_INFINITY), span);
    let pad = if high > low { (high - low) * 0.08 } else { 1.0 };
    let (low, high) = match points {
        [] => (0.0, 1.0),
        _ => (low - pad, high + pad),
    };
    let axes = Axes {
        y_width: 64,
        n_y_labels: 6,
        y_number: crate::task::rounded,
        ..Axes::new(x_words, y_words)
    };
    let mut chart = axes.chart(area, 0.0..right, low..high)?;
    let dot = |(x, y, it): &(f64, f64, &FrontPoint)| match it.is_measured {
        true => Circle::new((*x, *y), 4, DARK.filled()),
        false => Circle::new((*x, *y), 4, DARK.stroke_width(1)),
    };
    chart.draw_series(points.iter().map(dot))?;
    let best = points.iter().filter(|it| it.2.is_best);
    chart.draw_series(best.map(|it| Circle::new((it.0, it.1), 9, ALARM.stroke_width(2))))?;
    area.present()
}

/// A number on an axis.
fn short(value: f64) -> String {
    let rounded = (value * 1e4).round() / 1e4;
    if rounded.fract() == 0.0 && (0.0..1e15).contains(&rounded) {
        super::parts::grouped(rounded as u64)
    } else {
        rounded.to_string()
    }
}

/// What `draw` draws, with a title, and classes in place of colours.
fn drawn(title: &str, draw: impl Fn(&Area<'_>) -> Drawn) -> Markup {
    let mut svg = String::new();
    let result = draw(&SVGBackend::with_string(&mut svg, SIZE).into_drawing_area());
    if result.is_err() {
        return html! { p.note { "The plot could not be drawn: the numbers are below." } };
    }
    for (RGBColor(r, g, b), role) in ROLES {
        let colour = format!("#{r:02X}{g:02X}{b:02X}");
        for paint in ["fill", "stroke"] {
            svg = svg.replace(
                &format!("{paint}=\"{colour}\""),
                &format!("class=\"{paint}-{role}\""),
            );
        }
    }
    let svg = svg.replace(" font-family=\"sans-serif\"", "");
    let inner = svg.find('>').map_or("", |end| &svg[end + 1..]);
    let inner = inner.trim().strip_suffix("</svg>").unwrap_or(inner);
    html! {
        div.drawing {
            svg.plot role="img" xmlns="http://www.w3.org/2000/svg" viewBox=(format!("0 0 {} {}", SIZE.0, SIZE.1)) {
                title { (title) }
                (PreEscaped(inner))
            }
        }
    }
}
