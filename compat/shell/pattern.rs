//! Patterns of a shell: what they match, and what they cut off.

/// The operator that cuts something off, and its pattern: of `${NAME##*/}` what follows the name.
pub(crate) fn cutting(rest: &str) -> Option<(&'static str, &str)> {
    ["##", "#", "%%", "%"].into_iter().find_map(|operator| Some((operator, rest.strip_prefix(operator)?)))
}

/// What `#`, `##`, `%` or `%%` with this pattern leaves of a value.
pub(crate) fn cut(value: &str, operator: &str, pattern: &str) -> String {
    let (front, long) = (operator.starts_with('#'), operator.len() > 1);
    let ends: Vec<usize> = value.char_indices().map(|(at, _)| at).chain([value.len()]).collect();
    let fits = |at: &&usize| if front { glob(pattern, &value[..**at]) } else { glob(pattern, &value[**at..]) };
    // The longest prefix ends last, the longest suffix begins first.
    let found = if front == long { ends.iter().rev().find(fits) } else { ends.iter().find(fits) };
    match found {
        Some(at) if front => value[*at..].to_string(),
        Some(at) => value[..*at].to_string(),
        None => value.to_string(),
    }
}

/// Whether a shell pattern of `*`, `?` and `[...]` matches the whole text.
pub fn glob(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if pattern.get(p) == Some(&'*') {
            star = Some((p + 1, t));
            p += 1;
            continue;
        }
        if let Some(next) = one(&pattern, p, text[t]) {
            (p, t) = (next, t + 1);
            continue;
        }
        let Some((after, from)) = star else { return false };
        star = Some((after, from + 1));
        (p, t) = (after, from + 1);
    }
    pattern[p..].iter().all(|rest| *rest == '*')
}

/// The place in the pattern after the piece at `p`, if that matches this character.
fn one(pattern: &[char], p: usize, found: char) -> Option<usize> {
    match pattern.get(p)? {
        '?' => Some(p + 1),
        '[' if let Some(length) = pattern.get(p + 2..).unwrap_or_default().iter().position(|end| *end == ']') => {
            let set = &pattern[p + 1..p + 2 + length];
            let (set, wanted) = match set {
                ['!' | '^', rest @ ..] => (rest, false),
                _ => (set, true),
            };
            let single = set.contains(&found);
            let range = set.windows(3).any(|range| range[1] == '-' && (range[0]..=range[2]).contains(&found));
            ((single || range) == wanted).then_some(p + 3 + length)
        }
        other => (*other == found).then_some(p + 1),
    }
}
