//! A picture of the services: in rows, what starts first at the bottom, drawn as SVG.

use std::fmt::Write;

use super::{Bond, Picture};

const ROW: usize = 90;
const HEIGHT: usize = 30;
const GAP: usize = 24;
const MARGIN: usize = 20;
const LETTER: usize = 8;
/// How often neighbours are brought near each other.
const ROUNDS: usize = 8;

/// A service's box.
#[derive(Clone, Copy, Debug, Default)]
struct Frame {
    x: usize,
    y: usize,
    width: usize,
}

/// The picture as SVG.
pub(super) fn svg(picture: &Picture) -> String {
    let frames = frames(picture);
    let width = frames.iter().map(|frame| frame.x + frame.width).max().unwrap_or(0) + MARGIN;
    let height = frames.iter().map(|frame| frame.y + HEIGHT).max().unwrap_or(0) + MARGIN;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n\
         <defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" \
         orient=\"auto\"><path d=\"M0 0L8 4L0 8z\"/></marker></defs>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    for (from, to, bond) in &picture.bonds {
        let (from, to) = (frames[*from], frames[*to]);
        let down = to.y > from.y;
        let (x1, x2) = (from.x + from.width / 2, to.x + to.width / 2);
        let (y1, y2) = if down { (from.y + HEIGHT, to.y) } else { (from.y, to.y + HEIGHT) };
        let middle = usize::midpoint(y1, y2);
        let style = match bond {
            Bond::Requires => "stroke=\"black\" marker-end=\"url(#tip)\"",
            Bond::Wants => "stroke=\"black\" stroke-dasharray=\"6 4\" marker-end=\"url(#tip)\"",
            Bond::After => "stroke=\"gray\" stroke-dasharray=\"2 3\" marker-end=\"url(#tip)\"",
            Bond::Conflicts => "stroke=\"red\"",
        };
        let _ = writeln!(text, "<path d=\"M{x1} {y1}C{x1} {middle} {x2} {middle} {x2} {y2}\" fill=\"none\" {style}/>");
    }
    for (name, Frame { x, y, width }) in picture.names.iter().zip(&frames) {
        let _ = writeln!(
            text,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{HEIGHT}\" rx=\"4\" fill=\"#eef\" stroke=\"black\"/>"
        );
        let (x, y) = (x + width / 2, y + HEIGHT * 2 / 3);
        let _ = writeln!(text, "<text x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">{name}</text>");
    }
    text.push_str("</svg>\n");
    text
}

/// Where each service is.
fn frames(picture: &Picture) -> Vec<Frame> {
    let rows = rows(picture);
    let highest = rows.iter().copied().max().unwrap_or(0);
    let mut lines: Vec<Vec<usize>> = vec![Vec::new(); highest + 1];
    rows.iter().enumerate().for_each(|(at, row)| lines[*row].push(at));
    let mut frames = vec![Frame::default(); picture.names.len()];
    for round in 0..ROUNDS {
        for line in &mut lines {
            if round > 0 {
                line.sort_by_key(|at| (wish(picture, &frames, *at), *at));
            }
            let mut x = MARGIN;
            for &at in line.iter() {
                let width = picture.names[at].len() * LETTER + 2 * LETTER;
                // What is needed by few stays below them, unless a neighbour is there.
                let wished = wish(picture, &frames, at).saturating_sub(width / 2);
                x = if round == 0 { x } else { x.max(wished) };
                frames[at] = Frame { x, y: MARGIN + (highest - rows[at]) * ROW, width };
                x += width + GAP;
            }
        }
    }
    // To be amid others drives everything to the right, round by round.
    let unused = frames.iter().map(|frame| frame.x).min().unwrap_or(MARGIN) - MARGIN;
    frames.iter_mut().for_each(|frame| frame.x -= unused);
    frames
}

/// Where the middle of a service would be best: amid those it has to do with.
fn wish(picture: &Picture, frames: &[Frame], at: usize) -> usize {
    let of = |other: usize| frames[other].x + frames[other].width / 2;
    let near: Vec<usize> = picture
        .bonds
        .iter()
        .filter(|(_, _, bond)| *bond != Bond::Conflicts)
        .filter_map(|&(from, to, _)| match at {
            at if at == from => Some(of(to)),
            at if at == to => Some(of(from)),
            _ => None,
        })
        .collect();
    if near.is_empty() { of(at) } else { near.iter().sum::<usize>() / near.len() }
}

/// The row of each service: one above the highest that it starts after. A circle ends at as many rows as services.
fn rows(picture: &Picture) -> Vec<usize> {
    let count = picture.names.len();
    let mut rows = vec![0; count];
    for _ in 0..count {
        let mut changed = false;
        for &(from, to, bond) in &picture.bonds {
            let row = (rows[to] + 1).min(count.saturating_sub(1));
            if bond != Bond::Conflicts && rows[from] < row {
                rows[from] = row;
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    rows
}
