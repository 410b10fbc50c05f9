//! The order of a machine as a picture: what starts first is left, and a line leads to what comes after it.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::layout::{Item, layout};
use super::markup::escaped;
use super::order::{Order, Place};

/// Names longer than this are cut.
const NAME_CHARS_MAX: usize = 26;
const CHAR_WIDTH: f64 = 7.0;
const ROW: f64 = 22.0;
const PAD: f64 = 8.0;
const MARGIN: f64 = 12.0;
/// So many that come after the same and before nothing are one box.
const CROWD_MIN: usize = 4;
const CROWD_ROWS_MIN: usize = 12;
/// A crowd is about as high as it is wide when it has so many rows for each column.
const ROWS_PER_COLUMN: f64 = 6.0;

/// One box: a service, or a crowd of those that come after the same and before nothing.
struct Cell {
    members: Vec<usize>,
    rows: usize,
    column_width: f64,
}

/// The picture, and what needs none: services that have to do with no other, and those that come after all others.
pub(super) struct Picture {
    pub(super) svg: String,
    pub(super) alone: Vec<String>,
    pub(super) last: Vec<String>,
}

/// Draws the order. `class` says what a service looks like.
pub(super) fn draw(order: &Order, class: &impl Fn(&Place) -> &'static str) -> Picture {
    let mut followed = vec![false; order.places.len()];
    let last = order.last();
    let others: Vec<usize> = (0..order.places.len()).filter(|at| !last.contains(at)).collect();
    others.iter().flat_map(|at| &order.places[*at].after).for_each(|at| followed[*at] = true);
    let (alone, shown): (Vec<usize>, Vec<usize>) =
        others.into_iter().partition(|at| order.places[*at].after.is_empty() && !followed[*at]);
    let cells = cells(order, &shown, &followed);
    let mut cell_of = vec![usize::MAX; order.places.len()];
    for (at, cell) in cells.iter().enumerate() {
        cell.members.iter().for_each(|member| cell_of[*member] = at);
    }
    let items: Vec<Item> = cells
        .iter()
        .map(|cell| {
            let first = &order.places[cell.members[0]];
            let columns = cell.members.len().div_ceil(cell.rows) as f64;
            Item {
                level: first.level,
                width: cell.column_width * columns + PAD,
                height: ROW * cell.rows as f64 + 4.0,
                after: first.after.iter().map(|at| cell_of[*at]).collect(),
            }
        })
        .collect();
    let found = layout(&items);
    let mut svg = String::new();
    let (width, height) = (found.width + 2.0 * MARGIN, found.height + 2.0 * MARGIN);
    let _ = write!(
        svg,
        "<svg role=\"img\" aria-label=\"Order of services\" \
         width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"{:.0} {:.0} {width:.0} {height:.0}\">",
        -MARGIN, -MARGIN
    );
    svg.push_str(&pointed(cells.len()));
    for (from, to, points) in &found.edges {
        let requires = cells[*to]
            .members
            .iter()
            .any(|member| order.places[*member].requires.iter().any(|at| cell_of[*at] == *from));
        let kind = if requires { "requires" } else { "order" };
        let _ = write!(svg, "<path class=\"{kind} e{from} e{to}\" d=\"{}\"/>", curve(points));
        let (x, y) = points[points.len() - 1];
        let _ = write!(svg, "<path class=\"tip\" d=\"M{x:.1} {y:.1}l-6 -3v6z\"/>");
    }
    for (at, (cell, (x, y))) in cells.iter().zip(&found.corners).enumerate() {
        let _ = write!(svg, "<g id=\"c{at}\" class=\"{}\">", if cell.members.len() > 1 { "crowd" } else { "one" });
        if cell.members.len() > 1 {
            let item = &items[at];
            let _ = write!(
                svg,
                "<rect class=\"crowd\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"6\"/>",
                item.width, item.height
            );
        }
        for (nth, member) in cell.members.iter().enumerate() {
            let place = &order.places[*member];
            let left = x + PAD / 2.0 + (nth / cell.rows) as f64 * cell.column_width;
            let top = y + 2.0 + (nth % cell.rows) as f64 * ROW;
            name(&mut svg, place, class(place), (left, top), cell.column_width);
        }
        svg.push_str("</g>");
    }
    svg.push_str("</svg>");
    let names = |all: Vec<usize>| all.into_iter().map(|at| order.places[at].name.clone()).collect();
    Picture { svg, alone: names(alone), last: names(last) }
}

/// One rule for all boxes: the lines of that under the pointer stand out.
fn pointed(cells: usize) -> String {
    let rules: Vec<String> = (0..cells).map(|at| format!("svg:has(#c{at}:hover) .e{at}")).collect();
    match rules.is_empty() {
        true => String::new(),
        false => {
            format!("<style>{}{{stroke:var(--accent);stroke-width:2;opacity:1}}</style>", rules.join(","))
        }
    }
}

/// The boxes: crowds are gathered, everything else is alone in its box.
fn cells(order: &Order, shown: &[usize], followed: &[bool]) -> Vec<Cell> {
    let mut crowds: BTreeMap<&[usize], Vec<usize>> = BTreeMap::new();
    for &at in shown.iter().filter(|at| !followed[**at]) {
        crowds.entry(&order.places[at].after).or_default().push(at);
    }
    crowds.retain(|_, members| members.len() >= CROWD_MIN);
    let crowded: Vec<usize> = crowds.values().flatten().copied().collect();
    let single = shown.iter().filter(|at| !crowded.contains(at)).map(|at| vec![*at]);
    let mut all: Vec<Vec<usize>> = single.chain(crowds.values().cloned()).collect();
    all.sort();
    let cell = |members: Vec<usize>| {
        let longest = members.iter().map(|at| shown_name(&order.places[*at].name).chars().count()).max().unwrap_or(0);
        let rows_max = (members.len() as f64 * ROWS_PER_COLUMN).sqrt().max(CROWD_ROWS_MIN as f64) as usize;
        let rows = members.len().div_ceil(members.len().div_ceil(rows_max));
        Cell { members, rows, column_width: longest as f64 * CHAR_WIDTH + 2.0 * PAD }
    };
    all.into_iter().map(cell).collect()
}

fn shown_name(name: &str) -> String {
    if name.chars().count() <= NAME_CHARS_MAX {
        return name.to_owned();
    }
    name.chars().take(NAME_CHARS_MAX - 1).chain(['…']).collect()
}

fn name(svg: &mut String, place: &Place, class: &str, (x, y): (f64, f64), width: f64) {
    let _ = write!(
        svg,
        "<a href=\"#s-{0}\"><g class=\"{class}\"><title>{0}</title>\
         <rect x=\"{x:.1}\" y=\"{1:.1}\" width=\"{2:.1}\" height=\"{3:.1}\" rx=\"4\"/>\
         <text x=\"{4:.1}\" y=\"{5:.1}\">{6}</text></g></a>",
        escaped(&place.name),
        y + 1.0,
        width - 4.0,
        ROW - 3.0,
        x + PAD - 1.0,
        y + ROW - 7.5,
        escaped(&shown_name(&place.name)),
    );
}

/// A soft line through these points; level where it passes a column.
fn curve(points: &[(f64, f64)]) -> String {
    let (x, y) = points[0];
    let mut path = format!("M{x:.1} {y:.1}");
    for pair in points.windows(2) {
        let ((x, y), (to_x, to_y)) = (pair[0], pair[1]);
        if (y - to_y).abs() < 0.05 {
            let _ = write!(path, "H{to_x:.1}");
        } else {
            let middle = (x + to_x) / 2.0;
            let _ = write!(path, "C{middle:.1} {y:.1} {middle:.1} {to_y:.1} {to_x:.1} {to_y:.1}");
        }
    }
    path
}
