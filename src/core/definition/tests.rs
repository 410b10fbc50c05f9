//! What holds for every definition, whatever is in it.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::service::{Kind, Ready, Reload};

const VALID: &str = include_str!("../../../tests/golden/definition/full.toml");

fn read(name: &str, text: &str) -> Outcome {
    parse(&Name::new(name).unwrap(), SourceText { path: "web.toml", text }, &[])
}

/// What one key would say if it were alone.
fn example(key: &Key) -> &'static str {
    match key.takes {
        Takes::Text | Takes::Variable => "\"text\"",
        Takes::Verbs => "[\"start\", \"other\"]",
        Takes::Verb => "\"/bin/true\"",
        Takes::Flag => "true",
        Takes::Choice(words) if words.contains(&"never") => "\"never\"",
        Takes::Choice(words) if words.contains(&"network") => "\"network\"",
        Takes::Choice(words) if words.contains(&"nothing") => "\"nothing\"",
        Takes::Choice(_) => "\"process\"",
        Takes::Command => "\"/bin/other -x\"",
        Takes::Names | Takes::Accounts | Takes::Directories => "[\"other\"]",
        Takes::Path => "\"/some/path\"",
        Takes::OptionalPaths => "\"-/some/path\"",
        Takes::Duration(_) => "\"7s\"",
        Takes::Size(..) => "\"7M\"",
        Takes::Number(_, 3) => "3",
        Takes::Number(..) => "7",
        Takes::Template => "\"web/web.conf\"",
        Takes::Mode => "\"0600\"",
        Takes::DirectoryMode => "\"2775\"",
        Takes::Mask => "\"007\"",
        Takes::Account => "\"www\"",
        Takes::Signal => "\"INT\"",
        Takes::Ready => "\"sd-notify\"",
        Takes::Reload => "\"signal HUP\"",
        Takes::Limit(Unit::Percent) => "\"150%\"",
        Takes::Limit(_) => "\"7:8\"",
        Takes::PathCondition => "\"!/x\"",
        Takes::HostCondition => "\"vm\"",
        Takes::EnvironmentCondition => "\"A=b\"",
        Takes::Addresses(Version::V4) => "\"127.0.0.1\"",
        Takes::Addresses(Version::V6) => "[\"::1\", \"fe80::1\"]",
        Takes::Processors => "\"0-2,7\"",
        Takes::LoginClass => "\"daemon\"",
        Takes::Devices => "\"net:eth1\"",
        Takes::JailOptions => "\"allow.raw_sockets\"",
    }
}

/// A definition with this key and no more than it needs.
fn with(key: &Key, value: &str) -> String {
    let kind = match (key.name, key.kinds.names().next()) {
        ("kind", _) => String::new(),
        (_, kind) => format!("kind = \"{}\"\n", kind.unwrap()),
    };
    let needed = match key.name {
        "command" if key.table.is_empty() => "",
        "watchdog" => "command = \"/bin/web\"\nready = \"sd-notify\"\n",
        "group" | "groups" if key.table.is_empty() => "command = \"/bin/web\"\nuser = \"root\"\n",
        "runtime-directory-group" => "command = \"/bin/web\"\nruntime-directory-owner = \"root\"\n",
        _ => "command = \"/bin/web\"\n",
    };
    let line = format!("{} = {value}\n", key.name);
    match key.table {
        "" => format!("{kind}{needed}{line}"),
        "configure" => {
            let others = ["template = \"/t\"\n", "target = \"/f\"\n"].map(|other| match other.starts_with(key.name) {
                true => "",
                false => other,
            });
            format!("{kind}{needed}[[configure]]\n{}{line}", others.concat())
        }
        table => format!("{kind}{needed}[{table}]\n{line}"),
    }
}

#[test]
fn every_key_changes_the_service_and_says_where_it_was_written() {
    for key in KEYS {
        let outcome = read("web", &with(key, example(key)));
        let service = outcome.service.unwrap_or_else(|| panic!("{key:?}: {:?}", outcome.faults));
        let path = match key.table {
            "" => key.name.to_string(),
            "configure" => format!("configure.1.{}", key.name),
            table => format!("{table}.{}", key.name),
        };
        assert!(service.origins.contains_key(&path), "{path}");
        let text = with(key, example(key));
        let without = text.trim_end().rsplit_once('\n').map_or("", |(above, _)| above);
        let mut plain = read("web", without);
        let plain = plain.service.take().map(|mut plain| {
            plain.origins.clone_from(&service.origins);
            plain
        });
        // A kind that is the default says nothing new, and without a command there is no service.
        assert!(key.name == "kind" || plain.as_ref() != Some(&service), "{path} changes nothing");
    }
}

#[test]
fn every_key_refuses_a_value_of_another_type_in_its_own_words() {
    for key in KEYS {
        let outcome = read("web", &with(key, "[[{ a = 1.5 }]]"));
        assert!(outcome.service.is_none(), "{key:?}");
        let own = |fault: &Fault| fault.message.contains(key.name) && fault.message.contains("found");
        assert!(outcome.faults.iter().any(own), "{key:?}: {:?}", outcome.faults);
    }
}

#[test]
fn a_template_is_checked_and_gives_no_service() {
    let outcome = read("getty@", "command = \"/sbin/agetty %i\"\n");
    assert_eq!((outcome.service, outcome.faults.len()), (None, 0));
    assert_eq!(read("getty@", "command = \"/sbin/agetty %z\"\n").faults.len(), 1);
}

#[test]
fn refining_keeps_what_the_drop_in_does_not_say() {
    let mut script = Service::new(Name::new("legacy").unwrap(), Kind::Script(Box::default()));
    script.command = Vec::from(["/etc/init.d/legacy".to_string()]);
    script.links.requires = Vec::from([Name::new("db").unwrap()]);
    let text = "wants = \"cache\"\n";
    let refined = refine(System::Linux, script.clone(), &[SourceText { path: "a.toml", text }]).service.unwrap();
    assert_eq!(refined.links.requires, script.links.requires);
    assert_eq!(refined.links.wants, [Name::new("cache").unwrap()]);
    assert_eq!(refined.files, ["a.toml"]);
    assert_eq!(refine(System::Linux, script.clone(), &[]).service, Some(script));
}

#[test]
fn deep_nesting_and_huge_files_are_refused_not_suffered() {
    for text in
        ["[".repeat(100_000), "a=[".repeat(100_000), "a={b=".repeat(100_000), format!("x={}", "[".repeat(100_000))]
    {
        assert!(read("web", &text).service.is_none());
    }
    let dotted = format!("{}a = 1", "a.".repeat(100_000));
    assert!(read("web", &dotted).service.is_none());
    let huge = read("web", &"x = 1\n".repeat(10 * 1024 * 1024 / 6));
    assert_eq!(huge.faults.len(), 1, "{:?}", huge.faults.first());
    assert!(huge.faults[0].message.contains("at most 1048576"), "{}", huge.faults[0]);
}

#[test]
fn what_is_no_text_is_refused_where_it_would_count() {
    assert!(read("web", "\u{feff}command = \"/bin/web\"\n").service.is_some());
    assert!(read("web", "# gr\u{fffd}n\r\ncommand = \"/bin/web\"\r\n").service.is_some());
    let outcome = read("web", "command = \"/bin/w\u{fffd}b\"\n");
    assert!(outcome.service.is_none() && outcome.faults[0].message.contains("UTF-8"), "{:?}", outcome.faults);
    let outcome = read("web", "command = \"/bin/web\\u0000\"\n");
    assert!(outcome.service.is_none() && outcome.faults[0].message.contains("NUL"), "{:?}", outcome.faults);
}

#[test]
fn of_very_many_faults_the_first_are_told_and_the_rest_counted() {
    let mut text = String::from("command = \"/bin/web\"\n");
    for number in 0..5000 {
        text.push_str(&format!("banana{number} = 1\n"));
    }
    let outcome = read("web", &text);
    assert_eq!(outcome.faults.len(), FAULTS_MAX);
    assert_eq!(outcome.faults[0].line, 2);
    assert!(outcome.faults[FAULTS_MAX - 1].help.as_ref().unwrap().ends_with("(and 4950 more)"));
}

#[test]
fn an_error_is_not_lost_behind_notes() {
    let names = "\"a\",".repeat(3000);
    let outcome = read("web", &format!("requires = [{names}]\ncommand = \"bin/web\"\n"));
    assert!(outcome.service.is_none());
    assert!(outcome.faults.iter().any(|fault| fault.severity == Severity::Error), "{:?}", outcome.faults);
}

#[test]
fn words_are_split_as_a_shell_would() {
    let split = |text| words(text).unwrap();
    assert_eq!(split("/usr/sbin/nginx -g 'daemon off;'"), ["/usr/sbin/nginx", "-g", "daemon off;"]);
    assert_eq!(split(r#"a "b \"c\" \x \$" d\ e'f'"g""#), ["a", r#"b "c" \x $"#, "d efg"]);
    assert_eq!(split("a\\\nb  \n c ''"), ["ab", "c", ""]);
    assert_eq!(split(" \t\n"), [""; 0]);
    for open in ["'", "\"", "a 'b", "a\"b\\\"", "a\\", "\"\\"] {
        assert!(words(open).is_err(), "{open:?}");
    }
}

#[test]
fn durations_and_sizes_have_units() {
    let good = [("90s", 90_000), ("1m 30s", 90_000), ("1m30s", 90_000), ("100ms", 100), ("2h", 7_200_000), ("0s", 0)];
    for (text, millis) in good {
        assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
    }
    for bad in
        ["", " ", "90", "s", "1.5s", "-1s", "1 fortnight", "1s 5", "99999999999999999999s", "18446744073709551615d"]
    {
        assert!(duration(bad).is_err(), "{bad}");
    }
    for (text, bytes) in
        [("512", 512), ("64K", 65536), ("64 KiB", 65536), ("1M", 1 << 20), ("2GiB", 2 << 30), ("3B", 3)]
    {
        assert_eq!(size(text), Ok(bytes), "{text}");
    }
    for bad in ["", "K", "1MB", "-1", "1.5M", "99999999T", "18446744073709551616", "1é"] {
        assert!(size(bad).is_err(), "{bad}");
    }
}

#[test]
fn readiness_and_reload_take_what_the_manual_says() {
    assert_eq!(ready(" notify-fd  3 "), Ok(Ready::NotifyFd(3)));
    assert_eq!(ready("tcp [::1]:80"), Ok(Ready::Tcp("[::1]:80".to_string())));
    assert_eq!(ready("tcp localhost:80"), Ok(Ready::Tcp("localhost:80".to_string())));
    assert_eq!(ready("unix /run/a b"), Ok(Ready::Unix("/run/a b".to_string())));
    let ping = ["redis-cli", "ping pong"].map(String::from);
    assert_eq!(ready("command redis-cli 'ping pong'"), Ok(Ready::Command(ping.to_vec())));
    for bad in ["", "tcp :80", "tcp 1.2.3.4", "tcp localhost:0", "notify-fd 1024", "notify-fd -1", "exit 0"] {
        assert!(ready(bad).is_err(), "{bad}");
    }
    assert!(ready(&format!("unix /{}", "x".repeat(103))).is_err());
    assert_eq!(reload("signal sighup"), Ok(Reload::Signal(crate::Signal::Hup)));
    assert_eq!(reload("none"), Ok(Reload::None));
    assert!(reload("signal").is_err() && reload("signal HUP INT").is_err() && reload("").is_err());
}

#[test]
fn the_caret_stays_below_its_word() {
    let fault = |text: &str, word: &str| {
        let start = text.find(word).unwrap();
        let message = "x".to_string();
        let span = start..start + word.len();
        let (file, severity) = ("f".to_string(), Severity::Error);
        Fault { file, line: 1, column: 1, span, message, help: None, severity }.render(text)
    };
    assert_eq!(fault("\ta\tword", "word"), "f:1:1: x\n  1 |     a    word\n    |          ^^^^");
    assert_eq!(fault("中a\u{301} word\r\nnext", "word"), "f:1:1: x\n  1 | 中a word\n    |     ^^^^");
    assert_eq!(fault("\u{1b}[2J word", "word"), "f:1:1: x\n  1 | ?[2J word\n    |      ^^^^");
    let long = format!("{}word{}", "a".repeat(1000), "b".repeat(1000));
    let shown = fault(&long, "word");
    let lines: Vec<&str> = shown.lines().collect();
    assert!(lines[1].len() < 120, "{shown}");
    assert_eq!(lines[1].find("word"), lines[2].find('^'), "{shown}");
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in any::<String>(), name in "[a-z]{1,3}(@[a-z]{0,2})?") {
        let outcome = read(&name, &text);
        outcome.rendered(&[SourceText { path: "web.toml", text: &text }]);
        let bad = outcome.faults.iter().any(|fault| fault.severity == Severity::Error);
        prop_assert_eq!(outcome.service.is_none(), bad || name.ends_with('@'));
    }

    #[test]
    fn no_text_that_looks_like_a_definition_makes_the_reader_panic(
        lines in prop::collection::vec(
            prop_oneof![
                r#"([a-z.-]{1,8}|user|command|stop) ?= ?("[ -~]{0,6}"|[0-9a-z\[\]{},"']{0,8})?"#,
                r"\[[a-z]{0,5}\]?|[\x00-\xff]",
            ],
            0..12,
        ),
    ) {
        let text = lines.join("\n");
        read("web", &text).rendered(&[SourceText { path: "web.toml", text: &text }]);
    }

    #[test]
    fn a_damaged_definition_is_told_or_taken_never_both(
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0..12usize, "[ -~\\n\u{e9}]{0,6}"), 1..4),
    ) {
        let mut text = VALID.to_string();
        for (at, length, put) in cuts {
            let start = text.floor_char_boundary(at.index(text.len() + 1));
            let end = text.floor_char_boundary((start + length).min(text.len()));
            text.replace_range(start..end.max(start), &put);
        }
        let outcome = read("web", &text);
        let errors = outcome.faults.iter().filter(|fault| fault.severity == Severity::Error).count();
        prop_assert_eq!(outcome.service.is_some(), errors == 0);
        for fault in &outcome.faults {
            let lines = u32::try_from(text.lines().count()).unwrap() + 1;
            prop_assert!(fault.line >= 1 && fault.line <= lines && fault.span.end <= text.len(), "{:?}", fault);
            prop_assert_eq!(fault.render(&text).lines().count(), 3);
        }
    }

    #[test]
    fn a_fault_is_rendered_whatever_its_span(text in any::<String>(), start in 0..60usize, length in 0..60usize) {
        let fault = Fault {
            file: text.clone(),
            line: 7,
            column: 7,
            span: start..start + length,
            message: text.clone(),
            help: Some(text.clone()),
            severity: Severity::Note,
        };
        let shown = fault.render(&text);
        prop_assert_eq!(shown.lines().count(), 3);
        prop_assert!(shown.chars().all(|found| found == '\n' || !found.is_control()));
    }

    #[test]
    fn words_come_back_as_they_were_joined(list in prop::collection::vec(any::<String>(), 0..5)) {
        prop_assert_eq!(words(&join(&list)), Ok(list));
    }

    #[test]
    fn splitting_never_panics(text in "[ -~\\n\\t'\"\\\\]{0,40}") {
        if let Ok(list) = words(&text) {
            prop_assert_eq!(words(&join(&list)), Ok(list));
        }
    }

    #[test]
    fn durations_come_back_as_they_were_told(millis in prop_oneof![0..100_000u64, any::<u64>()]) {
        let wanted = Duration::from_millis(millis);
        prop_assert_eq!(duration(&duration_text(wanted)), Ok(wanted));
    }

    #[test]
    fn small_texts_never_panic(text in "[0-9a-zA-Z:!=/.,% \u{e9}\u{4e2d}-]{0,20}") {
        let _ = (duration(&text), size(&text), signal(&text), ready(&text), reload(&text));
        for unit in [Unit::Count, Unit::Bytes, Unit::Seconds, Unit::Percent] {
            if let Ok(limit) = limit(&text, unit) {
                let sound = limit.hard.is_none_or(|hard| limit.soft.is_some_and(|soft| soft <= hard));
                prop_assert!(sound, "{:?}", limit);
            }
        }
        let found = near(&text, ["requires", "user"]);
        prop_assert!(found.is_none_or(|word| ["requires", "user"].contains(&word)));
    }
}
