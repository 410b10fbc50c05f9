//! Options that a manual page describes in its sentences: `The -n option specifies that ...`.

use std::sync::LazyLock;

use regex::Regex;

use super::manual::{Described, pattern};

static OPTION: LazyLock<Regex> = LazyLock::new(|| {
    let takes = r"(?: +[A-Za-z_<][A-Za-z_>]*)?";
    let says = r"(?:specifies|causes|makes|tells|forces|instructs|prevents|is used|can be used|will)";
    pattern(&format!(r"\b(?:The|the) (--?[A-Za-z][\w-]*)({takes}) (?:option|flag|switch) ({says} [^.;]*)"))
});

/// What the sentences of a page say of options.
pub(super) fn options(page: &str, source: &str) -> Vec<Described> {
    let words = page.split_whitespace().collect::<Vec<_>>().join(" ");
    let found = OPTION.captures_iter(&words).map(|found| Described {
        names: vec![found[1].to_string()],
        text: found[3].chars().take(200).collect(),
        more: String::new(),
        takes: !found[2].trim().is_empty(),
        source: source.to_string(),
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convert::manual::Effect;

    #[test]
    fn a_sentence_about_an_option_describes_it() {
        let page = "The -n option specifies that it does not put\n    itself in the background. The -r realm option\n \
                    specifies the realm.\n The -D option is for others. See the -f option.";
        let found = options(page, "a page");
        assert_eq!(found.iter().map(|one| one.names[0].as_str()).collect::<Vec<_>>(), ["-n", "-r"]);
        assert_eq!((found[0].effect(), found[0].takes), (Effect::Stays, false));
        assert_eq!((found[1].effect(), found[1].takes), (Effect::Neither, true));
    }
}
