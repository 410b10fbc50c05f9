//! The sort of FreeBSD's libc, element for element: it is not stable, and rcorder's order of equals depends on it.

use std::cmp::Ordering;

/// Sorts as qsort(3) of FreeBSD does: Bentley and McIlroy, "Engineering a Sort Function", with its switch to insertion
/// sort when a partition moved nothing.
pub fn qsort<T>(items: &mut [T], compare: impl Fn(&T, &T) -> Ordering) {
    // The smaller side is done first and its depth is at most log2 of the length.
    let mut todo = vec![(0, items.len())];
    while let Some((from, to)) = todo.pop() {
        let part = &mut items[from..to];
        if part.len() < 2 {
            continue;
        }
        if part.len() < SMALL {
            insertion(part, &compare);
            continue;
        }
        let Some((left, right)) = partition(part, &compare) else {
            insertion(part, &compare);
            continue;
        };
        let (left, right) = ((from, from + left), (to - right, to));
        let left_first = left.1 - left.0 <= right.1 - right.0;
        todo.extend(if left_first { [right, left] } else { [left, right] });
    }
}

const SMALL: usize = 7;
const LARGE: usize = 40;

fn insertion<T>(items: &mut [T], compare: impl Fn(&T, &T) -> Ordering) {
    for next in 1..items.len() {
        let mut at = next;
        while at > 0 && compare(&items[at - 1], &items[at]) == Ordering::Greater {
            items.swap(at, at - 1);
            at -= 1;
        }
    }
}

fn median<T>(items: &[T], a: usize, b: usize, c: usize, compare: impl Fn(&T, &T) -> Ordering) -> usize {
    let less = |x: usize, y: usize| compare(&items[x], &items[y]) == Ordering::Less;
    let more = |x: usize, y: usize| compare(&items[x], &items[y]) == Ordering::Greater;
    if less(a, b) {
        if less(b, c) {
            b
        } else if less(a, c) {
            c
        } else {
            a
        }
    } else if more(b, c) {
        b
    } else if less(a, c) {
        a
    } else {
        c
    }
}

fn pivot<T>(items: &[T], compare: impl Fn(&T, &T) -> Ordering) -> usize {
    let length = items.len();
    let middle = length / 2;
    if length == SMALL {
        return middle;
    }
    let (mut low, mut mid, mut high) = (0, middle, length - 1);
    if length > LARGE {
        let step = length / 8;
        low = median(items, low, low + step, low + 2 * step, &compare);
        mid = median(items, mid - step, mid, mid + step, &compare);
        high = median(items, high - 2 * step, high - step, high, &compare);
    }
    median(items, low, mid, high, &compare)
}

/// Splits into less, equal and greater; the lengths of less and greater. `None` if nothing had to be moved.
fn partition<T>(items: &mut [T], compare: impl Fn(&T, &T) -> Ordering) -> Option<(usize, usize)> {
    let length = items.len();
    items.swap(0, pivot(items, &compare));
    let mut moved = false;
    // Equals are gathered at both ends: [0, a) and (d, length); less is [a, b), greater is (c, d].
    let (mut a, mut b) = (1, 1);
    let (mut c, mut d) = (length - 1, length - 1);
    loop {
        while b <= c {
            let found = compare(&items[b], &items[0]);
            if found == Ordering::Greater {
                break;
            }
            if found == Ordering::Equal {
                moved = true;
                items.swap(a, b);
                a += 1;
            }
            b += 1;
        }
        while b <= c {
            let found = compare(&items[c], &items[0]);
            if found == Ordering::Less {
                break;
            }
            if found == Ordering::Equal {
                moved = true;
                items.swap(c, d);
                d -= 1;
            }
            c -= 1;
        }
        if b > c {
            break;
        }
        items.swap(b, c);
        moved = true;
        b += 1;
        c -= 1;
    }
    if !moved {
        return None;
    }
    swap_ranges(items, 0, b, a.min(b - a));
    swap_ranges(items, b, length, (d - c).min(length - d - 1));
    Some((b - a, d - c))
}

/// Swaps the first `count` items from `from` on with the last `count` before `to`.
fn swap_ranges<T>(items: &mut [T], from: usize, to: usize, count: usize) {
    for at in 0..count {
        items.swap(from + at, to - count + at);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::qsort;

    #[test]
    fn equals_are_left_where_the_original_leaves_them() {
        let order = |count: usize| {
            let mut items: Vec<usize> = (0..count).collect();
            qsort(&mut items, |_, _| std::cmp::Ordering::Equal);
            items
        };
        assert_eq!(order(6), [0, 1, 2, 3, 4, 5]);
        assert_eq!(order(7), [3, 1, 2, 0, 4, 5, 6]);
        assert_eq!(order(8), [7, 1, 2, 3, 4, 5, 6, 0]);
    }

    proptest! {
        #[test]
        fn it_sorts(mut items in proptest::collection::vec(0_u8..20, 0..300)) {
            let mut sorted = items.clone();
            sorted.sort_unstable();
            qsort(&mut items, Ord::cmp);
            prop_assert_eq!(items, sorted);
        }
    }
}
