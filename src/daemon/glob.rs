//! Patterns for names of services: `*`, `?` and `[abc]`, as in a shell.

/// Whether a name is a pattern.
pub(crate) fn is_glob(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// Whether a pattern matches a whole name. Each star remembers one place to go back to, so the cost is the product of
/// both lengths at most.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut at, mut in_name, mut star) = (0, 0, None);
    while in_name < name.len() {
        if pattern.get(at) == Some(&b'*') {
            star = Some((at, in_name));
            at += 1;
        } else if let Some(next) = one(pattern, at, name[in_name]) {
            at = next;
            in_name += 1;
        } else if let Some((star_at, from)) = star {
            (at, in_name) = (star_at + 1, from + 1);
            star = Some((star_at, from + 1));
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

/// Matches one byte; the place after what matched it.
fn one(pattern: &[u8], at: usize, byte: u8) -> Option<usize> {
    match *pattern.get(at)? {
        b'?' => Some(at + 1),
        b'[' => {
            let close = at + 1 + pattern[at + 1..].iter().position(|byte| *byte == b']')?;
            pattern[at + 1..close].contains(&byte).then_some(close + 1)
        }
        literal => (literal == byte).then_some(at + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_a_shell() {
        for (pattern, name) in [("*", "web"), ("w*b", "web"), ("w?b", "web"), ("[vw]eb", "web"), ("a*b*c", "axbxbc")] {
            assert!(is_glob(pattern) && matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("w?", "web"), ("*x", "web"), ("[ab]eb", "web"), ("[web", "web"), ("a*b*c", "axbxb")] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
        assert!(matches("web", "web") && !is_glob("web"));
    }

    #[test]
    fn many_stars_do_not_take_for_ever() {
        assert!(!matches(&"*a".repeat(100), &"a".repeat(99)));
    }
}
