//! What a unit's commands before the start (`ExecStartPre=`), and the units before it, say of its variables.
//!
//! Maintainers compute there what an init script computes for itself, and write it to a file of the environment.

use std::collections::BTreeMap;

use svc_compat::Style;
use svc_compat::play::{self, Machine, Piece};
use svc_core::definition::join;

use super::{PLACES, Unit};
use crate::convert::{Tree, passed_on};

/// Longer texts are not played.
const TEXT_BYTES_MAX: usize = 1 << 15;

/// The files that the commands would write, each with its text as far as it is known.
pub(super) fn written(tree: &Tree, unit: &Unit) -> BTreeMap<String, String> {
    let services = unit.after.iter().filter(|name| name.ends_with(".service"));
    let before =
        services.filter_map(|name| PLACES.iter().find_map(|place| Unit::written(tree, &format!("{place}/{name}"))));
    let mut out = BTreeMap::new();
    for other in before {
        out.extend(commands(&other, "ExecStart").filter_map(|words| played(tree, &words, &other)).flatten());
    }
    out.extend(commands(unit, "ExecStartPre").filter_map(|words| played(tree, &words, unit)).flatten());
    out
}

/// `systemctl set-environment NAME=VALUE`, by itself or in the text of a shell.
pub(super) fn set(unit: &Unit) -> Vec<(String, String)> {
    let mut out = Vec::new();
    for words in commands(unit, "ExecStartPre") {
        let text = match words.as_slice() {
            [shell, option, text, ..] if shell.ends_with("sh") && option == "-c" => text.clone(),
            words => join(words),
        };
        let Some((program, rest)) = text.split_once(" set-environment ").filter(|_| !text.contains([';', '|', '&']))
        else {
            continue;
        };
        if program.trim().rsplit('/').next() != Some("systemctl") {
            continue;
        }
        let value = |value: &str| match value.strip_prefix("$(").and_then(|rest| rest.strip_suffix(')')) {
            Some(command) => play::of_machine(command).into_iter().collect(),
            None => value.to_string(),
        };
        let pair = rest.trim().split_once('=').filter(|(_, set)| !set.contains(' '));
        out.extend(pair.map(|(name, set)| (name.to_string(), value(set.trim_matches(['"', '\''])))));
    }
    out
}

fn commands<'u>(unit: &'u Unit, key: &str) -> impl Iterator<Item = Vec<String>> + use<'u> {
    let lines = unit.settings.get(key).into_iter().flatten();
    lines.map(|line| unit.words(line)).filter(|words| !words.is_empty())
}

fn played(tree: &Tree, words: &[String], unit: &Unit) -> Option<BTreeMap<String, String>> {
    let program = &words[0];
    let text = tree.read(program).filter(|text| text.len() < TEXT_BYTES_MAX && passed_on::is_shells(text))?;
    let set = |(name, value): (&String, &String)| format!("export {name}={}\n", join(std::slice::from_ref(value)));
    let variables: String = unit.environment.iter().map(set).collect();
    let whole = [format!("{variables}set -- {}\n", join(&words[1..])).as_bytes(), &text].concat();
    let verb = "before the start";
    let piece = Piece { path: program, text: &whole, style: Style::Own, verb, running: false, granted: &[] };
    Some(play::play(tree, piece).written)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convert::written::put;

    fn read(unit: &str, helper: &str) -> Unit {
        let folder = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| put(folder.path(), path, text);
        put("usr/share/web/prepare", helper);
        put("lib/systemd/system/web.service", unit);
        Unit::read(&Tree::partial(folder.path()), "/lib/systemd/system/web.service").unwrap()
    }

    #[test]
    fn a_file_that_is_written_before_the_start_is_read() {
        let unit = "[Service]\nEnvironmentFile=-/run/web.env\nExecStartPre=/usr/share/web/prepare\n\
                    ExecStart=/usr/sbin/webd $ARGS\n";
        let helper = "#!/bin/sh\nARGS=-x\n[ -n \"$NONE\" ] && ARGS=-y\necho 'ARGS = \"'$ARGS'\"' >/run/web.env\n";
        assert_eq!(read(unit, helper).command, ["/usr/sbin/webd", "-x"]);
        assert_eq!(read(unit, "#!/bin/sh\ntrue\n").command, ["/usr/sbin/webd"]);
        assert_eq!(read(unit, &helper.replace("/bin/sh", "/usr/bin/perl")).command, ["/usr/sbin/webd"]);
    }

    #[test]
    fn a_file_that_a_unit_before_it_writes_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| put(folder.path(), path, text);
        let helper = "#!/bin/sh\n. \"$DEFAULTS\"\n{\necho \"ARGS=${ARGS:--c '/etc/web'}\"\n} > /run/web.env\n";
        put("usr/lib/web/env.sh", helper);
        put("etc/default/web", "MORE=\n");
        put("lib/systemd/system/web-env.service", "[Service]\nType=oneshot\n");
        put(
            "lib/systemd/system/web-env.service.d/here.conf",
            "[Service]\nExecStart=/usr/lib/web/env.sh\nEnvironment='DEFAULTS=/etc/default/web'\n",
        );
        let command = |after: &str| {
            let text = format!(
                "[Unit]\nAfter=network.target {after}\n[Service]\nEnvironmentFile=/run/web.env\n\
                 ExecStart=/usr/sbin/webd $ARGS\n"
            );
            put("lib/systemd/system/web.service", &text);
            Unit::read(&Tree::partial(folder.path()), "/lib/systemd/system/web.service").unwrap().command
        };
        assert_eq!(command("web-env.service"), ["/usr/sbin/webd", "-c", "/etc/web"]);
        assert_eq!(command(""), ["/usr/sbin/webd"]);
    }

    #[test]
    fn a_variable_that_is_set_before_the_start_is_known() {
        let unit = |before: &str| {
            read(&format!("[Service]\nExecStartPre={before}\nExecStart=/usr/sbin/webd \"${{HOST}}\"\n"), "")
        };
        let command = |before: &str| play::shown(&unit(before).command.join(" "));
        assert_eq!(
            command("/bin/sh -c \"/bin/systemctl set-environment HOST=$(hostname)\""),
            "/usr/sbin/webd $(hostname)"
        );
        assert_eq!(command("systemctl set-environment HOST=one"), "/usr/sbin/webd one");
        assert_eq!(command("systemctl import-environment HOST=one"), "/usr/sbin/webd ");
    }
}
