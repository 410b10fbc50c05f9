//! A layered drawing of a graph without circles: columns by level, few crossings, edges around what is between.

/// One box to be placed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Item {
    /// Its column.
    pub(super) level: usize,
    pub(super) width: f64,
    pub(super) height: f64,
    /// What it comes after, all of lower levels.
    pub(super) after: Vec<usize>,
}

/// From, to, and the points between them, from left to right.
pub(super) type Line = (usize, usize, Vec<(f64, f64)>);

/// Where everything is.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Layout {
    /// Left upper corner of each box.
    pub(super) corners: Vec<(f64, f64)>,
    pub(super) edges: Vec<Line>,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// Between columns, and between boxes of one column.
const COLUMN_GAP: f64 = 44.0;
const ROW_GAP: f64 = 12.0;
/// What an edge takes in a column that it passes.
const LANE: f64 = 6.0;
const SWEEPS: usize = 24;
const SETTLINGS: usize = 16;

/// Places all boxes.
pub(super) fn layout(items: &[Item]) -> Layout {
    let mut net = Net::new(items);
    net.untangle();
    net.settle();
    net.layout(items)
}

/// A box, or a place where an edge passes a column.
#[derive(Clone, Debug, Default)]
struct Knot {
    height: f64,
    left: Vec<usize>,
    right: Vec<usize>,
    /// Its centre.
    y: f64,
}

struct Net {
    knots: Vec<Knot>,
    /// The knots of each column from top to bottom.
    columns: Vec<Vec<usize>>,
    /// From, to, and the knots between them.
    paths: Vec<(usize, usize, Vec<usize>)>,
}

impl Net {
    fn new(items: &[Item]) -> Self {
        let count = items.iter().map(|item| item.level + 1).max().unwrap_or(0);
        let mut net = Self { knots: Vec::new(), columns: vec![Vec::new(); count], paths: Vec::new() };
        for item in items {
            net.knot(item.level, item.height);
        }
        for (to, item) in items.iter().enumerate() {
            for &from in &item.after {
                let mut last = from;
                let mut between = Vec::new();
                for level in items[from].level + 1..item.level {
                    let knot = net.knot(level, LANE);
                    net.join(last, knot);
                    between.push(knot);
                    last = knot;
                }
                net.join(last, to);
                net.paths.push((from, to, between));
            }
        }
        net
    }

    fn knot(&mut self, level: usize, height: f64) -> usize {
        self.knots.push(Knot { height, ..Knot::default() });
        self.columns[level].push(self.knots.len() - 1);
        self.knots.len() - 1
    }

    fn join(&mut self, left: usize, right: usize) {
        self.knots[left].right.push(right);
        self.knots[right].left.push(left);
    }

    /// Puts each column into the order of its neighbours' middle, to and fro; the best order seen is kept.
    fn untangle(&mut self) {
        let mut best = (self.crossings(), self.columns.clone());
        for sweep in 0..SWEEPS {
            let to_right = sweep % 2 == 0;
            let mut levels: Vec<usize> = (0..self.columns.len()).collect();
            if !to_right {
                levels.reverse();
            }
            for level in levels {
                let at = self.positions();
                let middle = |knot: &usize| {
                    let knot = &self.knots[*knot];
                    let near = if to_right { &knot.left } else { &knot.right };
                    median(near.iter().map(|other| at[*other]).collect())
                };
                let mut column = self.columns[level].clone();
                let keys: Vec<f64> = column.iter().map(|knot| middle(knot).unwrap_or(at[*knot])).collect();
                let mut order: Vec<usize> = (0..column.len()).collect();
                order.sort_by(|one, other| keys[*one].total_cmp(&keys[*other]));
                column = order.into_iter().map(|place| column[place]).collect();
                self.columns[level] = column;
            }
            let crossings = self.crossings();
            if crossings < best.0 {
                best = (crossings, self.columns.clone());
            }
        }
        self.columns = best.1;
    }

    /// The place of each knot in its column, from 0 to 1.
    fn positions(&self) -> Vec<f64> {
        let mut at = vec![0.0; self.knots.len()];
        for column in &self.columns {
            for (place, knot) in column.iter().enumerate() {
                at[*knot] = (place as f64 + 0.5) / column.len() as f64;
            }
        }
        at
    }

    fn crossings(&self) -> usize {
        let mut place = vec![0; self.knots.len()];
        for column in &self.columns {
            column.iter().enumerate().for_each(|(at, knot)| place[*knot] = at);
        }
        let mut count = 0;
        for column in &self.columns {
            let mut edges: Vec<(usize, usize)> = Vec::new();
            for knot in column {
                edges.extend(self.knots[*knot].right.iter().map(|right| (place[*knot], place[*right])));
            }
            edges.sort_unstable();
            for (at, (_, right)) in edges.iter().enumerate() {
                count += edges[..at].iter().filter(|(_, earlier)| earlier > right).count();
            }
        }
        count
    }

    /// Finds heights: each knot near the mean of its neighbours, as far as those above and below leave room.
    fn settle(&mut self) {
        for column in &self.columns {
            let mut y = 0.0;
            for knot in column {
                self.knots[*knot].y = y + self.knots[*knot].height / 2.0;
                y += self.knots[*knot].height + ROW_GAP;
            }
        }
        for turn in 0..SETTLINGS {
            let mut levels: Vec<usize> = (0..self.columns.len()).collect();
            if turn % 2 == 1 {
                levels.reverse();
            }
            for level in levels {
                let column = self.columns[level].clone();
                let wanted: Vec<f64> = column.iter().map(|knot| self.wanted(*knot)).collect();
                let heights: Vec<f64> = column.iter().map(|knot| self.knots[*knot].height).collect();
                for (knot, y) in column.iter().zip(spread(&wanted, &heights)) {
                    self.knots[*knot].y = y;
                }
            }
        }
    }

    fn wanted(&self, knot: usize) -> f64 {
        let knot = &self.knots[knot];
        let near: Vec<f64> = knot.left.iter().chain(&knot.right).map(|other| self.knots[*other].y).collect();
        if near.is_empty() { knot.y } else { near.iter().sum::<f64>() / near.len() as f64 }
    }

    fn layout(&self, items: &[Item]) -> Layout {
        let mut lefts = Vec::new();
        let mut x = 0.0;
        for level in 0..self.columns.len() {
            let widest = items.iter().filter(|item| item.level == level).map(|item| item.width).fold(0.0, f64::max);
            lefts.push((x, widest));
            x += widest + COLUMN_GAP;
        }
        let top = self.knots.iter().map(|knot| knot.y - knot.height / 2.0).fold(f64::INFINITY, f64::min);
        let bottom = self.knots.iter().map(|knot| knot.y + knot.height / 2.0).fold(0.0, f64::max);
        let corner = |at: usize| (lefts[items[at].level].0, self.knots[at].y - self.knots[at].height / 2.0 - top);
        let edge = |(from, to, between): &(usize, usize, Vec<usize>)| {
            let mut points = vec![(lefts[items[*from].level].0 + items[*from].width, self.knots[*from].y - top)];
            for (level, knot) in (items[*from].level + 1..).zip(between) {
                let (left, width) = lefts[level];
                let y = self.knots[*knot].y - top;
                points.extend([(left, y), (left + width, y)]);
            }
            points.push((lefts[items[*to].level].0, self.knots[*to].y - top));
            (*from, *to, points)
        };
        Layout {
            corners: (0..items.len()).map(corner).collect(),
            edges: self.paths.iter().map(edge).collect(),
            width: (x - COLUMN_GAP).max(0.0),
            height: if self.knots.is_empty() { 0.0 } else { bottom - top },
        }
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    match values.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(values[half]),
        _ => Some((values[half - 1] + values[half]) / 2.0),
    }
}

/// Centres as near as can be to those wanted, in this order and without touching: what is too close moves as one.
fn spread(wanted: &[f64], heights: &[f64]) -> Vec<f64> {
    let mut offsets = Vec::new();
    let mut offset = 0.0;
    for (at, height) in heights.iter().enumerate() {
        if at > 0 {
            offset += (heights[at - 1] + height) / 2.0 + ROW_GAP;
        }
        offsets.push(offset);
    }
    let mut blocks: Vec<(f64, usize)> = Vec::new();
    for (wanted, offset) in wanted.iter().zip(&offsets) {
        let mut block = (wanted - offset, 1);
        while let Some(&(mean, count)) = blocks.last()
            && mean > block.0
        {
            blocks.pop();
            block = ((mean * count as f64 + block.0 * block.1 as f64) / (count + block.1) as f64, count + block.1);
        }
        blocks.push(block);
    }
    let means = blocks.into_iter().flat_map(|(mean, count)| std::iter::repeat_n(mean, count));
    means.zip(offsets).map(|(mean, offset)| mean + offset).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(level: usize, after: &[usize]) -> Item {
        Item { level, width: 50.0, height: 20.0, after: after.to_vec() }
    }

    #[test]
    fn boxes_of_a_column_never_touch_and_columns_follow_levels() {
        let items = [
            item(0, &[]),
            item(0, &[]),
            item(1, &[1]),
            item(1, &[0]),
            item(1, &[0, 1]),
            item(2, &[2, 0]),
            item(3, &[5, 1]),
        ];
        let found = layout(&items);
        for (one, (x, y)) in items.iter().zip(&found.corners) {
            assert!(*x >= 0.0 && *y >= 0.0 && x + one.width <= found.width && y + one.height <= found.height);
            for (other, (ox, oy)) in items.iter().zip(&found.corners) {
                assert_eq!(one.level < other.level, x + one.width < *ox);
                assert!(std::ptr::eq(one, other) || one.level != other.level || (y - oy).abs() >= 20.0);
            }
        }
        assert_eq!(found.edges.len(), 8);
        assert!(found.edges.iter().all(|(_, _, points)| points.windows(2).all(|pair| pair[0].0 <= pair[1].0)));
    }

    #[test]
    fn what_can_be_drawn_without_a_crossing_is() {
        let items = [item(0, &[]), item(0, &[]), item(1, &[1]), item(1, &[0])];
        let mut net = Net::new(&items);
        assert_eq!(net.crossings(), 1);
        net.untangle();
        assert_eq!(net.crossings(), 0);
    }

    #[test]
    fn a_crowd_is_spread_around_where_it_wants_to_be() {
        assert_eq!(spread(&[0.0, 100.0], &[20.0, 20.0]), [0.0, 100.0]);
        let found = spread(&[50.0, 50.0], &[20.0, 20.0]);
        assert_eq!(found, [50.0 - 16.0, 50.0 + 16.0]);
    }

    #[test]
    fn nothing_is_drawn_as_nothing() {
        assert_eq!(layout(&[]), Layout::default());
    }
}
