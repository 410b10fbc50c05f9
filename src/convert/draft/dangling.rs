//! An option at the end of a command whose value would be that of a variable that has none.

use svc_compat::play::{Launch, Machine};

use crate::convert::Tree;
use crate::convert::evidence::Evidence;
use crate::convert::manual;

/// The launch without an option at its end that takes a value where the variable for it has none, and what is said.
pub(super) fn left_out(tree: &Tree, evidence: &Evidence, launch: &Launch) -> (Launch, Option<String>) {
    let mut launch = launch.clone();
    let Some(last) = launch.command.last().filter(|last| last.starts_with('-') && !last.contains('=')).cloned() else {
        return (launch, None);
    };
    let is_empty = |name: &&String| evidence.start.values.get(*name).is_none_or(|(value, ..)| value.is_empty());
    let is_its = |name: &&String| is_empty(name) && stands_before(tree, evidence, &last, name);
    let Some(name) = launch.roots.iter().find(is_its).cloned() else { return (launch, None) };
    let described = manual::described(tree, &launch.command);
    // A single word is the next one of a synopsis.
    let mut known = described.iter().filter(|known| known.names.contains(&last) && known.text.contains(' ')).peekable();
    let may_do_without = manual::is_value_optional(tree, &launch.command[0], &last);
    if known.peek().is_none() || !known.all(|known| known.takes) || may_do_without || launch.command.len() < 2 {
        return (launch, None);
    }
    launch.command.pop();
    let said = format!("{}: {last} is left out: its value would be that of {name}, which has none", launch.spot);
    (launch, Some(said))
}

/// Whether the option stands right before the variable in the script, or in a file that it sources.
fn stands_before(tree: &Tree, evidence: &Evidence, option: &str, name: &str) -> bool {
    let files = evidence.start.sourced.iter().map(|(file, _)| file.as_str());
    let mut texts = files.chain([evidence.path.as_str()]).filter_map(|file| tree.read(file));
    texts.any(|text| {
        let text = svc_compat::text::decode(&text);
        let mut places = text
            .match_indices(option)
            .map(|(at, _)| text[at + option.len()..].trim_start_matches([' ', '"', '\\', '\n', '\t']));
        places.any(|behind| {
            let bare = behind.strip_prefix("${").or(behind.strip_prefix('$')).and_then(|rest| rest.strip_prefix(name));
            bare.is_some_and(|rest| !rest.starts_with(|found: char| found.is_ascii_alphanumeric() || found == '_'))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convert::evidence::gather;
    use crate::convert::written::put;

    #[test]
    fn an_option_is_left_out_where_the_variable_behind_it_has_no_value() {
        let folder = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| put(folder.path(), path, text);
        put("usr/share/man/man8/webd.8", ".TP\n.B -c FILE\nThe file to be read.\n.TP\n.B -p FILE\nThe other file.\n");
        put("usr/sbin/webd", "#!/bin/sh\n");
        let tree = Tree::partial(folder.path());
        let kept = |set: &str, words: &str| {
            put("etc/default/web", set);
            let start = format!("start-stop-daemon --start --exec /usr/sbin/webd -- {words}");
            let script = format!("#!/bin/sh\n. /etc/default/web\ncase $1 in start) {start} ;; esac\n");
            put("etc/init.d/web", &script);
            let evidence = gather(&tree, "/etc/init.d/web", script.as_bytes());
            let launch = evidence.main.clone().unwrap();
            left_out(&tree, &evidence, &launch).0.command[1..].join(" ")
        };
        assert_eq!(kept("OPTS=\"-x -c $FILE\"\n", "$OPTS"), "-x");
        assert_eq!(kept("FILE=\n", "-x -c \"${FILE}\""), "-x -c ");
        assert_eq!(kept("FILE=\n", "-x -c ${FILE}"), "-x");
        assert_eq!(kept("FILE=/etc/web\n", "-x -c $FILE"), "-x -c /etc/web");
        // The empty one stands elsewhere, and the option takes nothing, whatever its page looks like.
        assert_eq!(kept("MORE=\nOPTS=\"$MORE -x -c\"\n", "$OPTS"), "-x -c");
        assert_eq!(kept("FILES=\nFILE=1\nOPTS=\"-c $FILES\"\n", "$OPTS -x"), "-c -x");
    }
}
