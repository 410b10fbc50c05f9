//! What is read from pages, from help and from the text of a program.

use super::*;

#[test]
fn a_description_tells_what_the_option_does() {
    let stays = ["Run in the foreground.", "Do not fork and become a daemon", "don't daemonize", "Stay in foreground"];
    let goes =
        ["run as a daemon", "Daemonize after start", "fork to background", "detach from the terminal", "Demonize."];
    for text in stays {
        assert_eq!(effect(text), Effect::Stays, "{text}");
    }
    for text in goes {
        assert_eq!(effect(text), Effect::Goes, "{text}");
    }
    for text in ["print the version", "number of children", "the colour of the background image"] {
        assert_eq!(effect(text), Effect::Neither, "{text}");
    }
}

#[test]
fn what_is_so_by_default_is_not_what_the_option_does() {
    let text = "Fork and run in background. Default is run in foreground.";
    assert_eq!((effect(text), stays_by_default(text)), (Effect::Goes, true));
    let inside = "Run as a daemon (default: run in foreground).";
    assert_eq!((effect(inside), stays_by_default(inside)), (Effect::Goes, true));
    assert_eq!(effect("Stay in the foreground. By default, it becomes a daemon."), Effect::Stays);
    assert_eq!(effect("By default it detaches from the terminal; not so with this."), Effect::Goes);
    assert!(!stays_by_default("Fork and run in background.") && !stays_by_default("Default is the foreground."));
}

#[test]
fn what_it_does_by_default_it_does_not_with_the_option() {
    for text in [
        "By default, webd runs in full daemon mode and it detaches itself. If you do not want this, use this option.",
        "Webd normally puts itself into the background and disassociates itself from the terminal.",
        "Normally the web server goes into the background.",
    ] {
        assert_eq!(effect(text), Effect::Stays, "{text}");
    }
    let goes = "Run as a daemon. By default webd does not.";
    assert_eq!(effect(goes), Effect::Goes);
    assert_ne!(effect("By default, webd in daemon mode listens everywhere."), Effect::Stays);
}

#[test]
fn a_value_in_brackets_may_be_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("usr/share/man/man8");
    std::fs::create_dir_all(&place).unwrap();
    let page = ".TP\n.B --local[=net|host]\nWhere.\n.TP\n.B -p [file]\nThe file.\n.TP\n.B -c FILE\nThe other.\n";
    std::fs::write(place.join("webd.8"), page).unwrap();
    let optional = |option: &str| is_value_optional(&Tree::partial(folder.path()), "/usr/sbin/webd", option);
    assert!(optional("--local") && optional("-p") && !optional("-c") && !optional("-x"));
}

#[test]
fn an_old_name_of_an_option_is_described_as_the_new_one() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("usr/sbin")).unwrap();
    let help = "\x7fELF\0-f : run in foreground\n-c FILE : configuration\n\0";
    let said = |more: &str| {
        std::fs::write(folder.path().join("usr/sbin/webd"), format!("{help}{more}\0")).unwrap();
        let found = described(&Tree::partial(folder.path()), &["/usr/sbin/webd".to_string()]);
        found.iter().find(|known| known.names == ["-d"]).map(Described::effect)
    };
    assert_eq!(said("option '-d' is deprecated - use '-f' instead\n"), Some(Effect::Stays));
    assert_eq!(said("-d is obsolete, please use -c\n"), Some(Effect::Neither));
    assert_eq!(said("option '-d' is deprecated\n"), None);
    assert_eq!(said("option '-d' is deprecated - use '-x' instead\n"), None);
}

#[test]
fn an_option_that_a_text_reads_by_itself_is_known_by_what_it_sets() {
    let effects = |text: &str| -> Vec<(String, Effect)> {
        scripted(text, "webd").iter().map(|known| (known.names.join(" "), known.effect())).collect()
    };
    let stays = |name: &str| vec![(name.to_string(), Effect::Stays)];
    assert_eq!(effects("  } elsif ($opt eq '-f') {  # stay\n    $foreground = 1;\n"), stays("-f"));
    assert_eq!(effects("    elif arg == \"--fg\":\n        self.no_fork = True\n"), stays("--fg"));
    assert_eq!(effects("if ($opt eq '-f') {\n    $file = 1;\n"), []);
    assert_eq!(effects("if ($opt eq '-b') {\n    $foreground = 0;\n"), []);
}

#[test]
fn options_are_read_from_help_and_from_both_kinds_of_manual_page() {
    let help = "Usage: webd [options]\n  -f, --foreground   stay in the foreground\n  -c FILE\n      configuration\n";
    let found = options(help, "webd");
    assert_eq!(found[0].names, ["-f", "--foreground"]);
    assert_eq!((found[0].text.as_str(), found[1].text.as_str()), ("stay in the foreground", "configuration"));
    let man = plain(".SH OPTIONS\n.TP\n\\fB\\-f\\fR, \\fB\\-\\-foreground\\fR\nStay in the\nforeground.\n");
    let found = options(&man, "page");
    assert_eq!((found[0].names.len(), found[0].text.as_str()), (2, "Stay in the foreground."));
    let strings = plain(".TP\n\\*(T<\\fB\\-b\\fR\\*(T>, \\*(T<\\fB\\-\\-base\\fR\\*(T>\nThe base.\n");
    assert_eq!(options(&strings, "page")[0].names, ["-b", "--base"]);
    let slash = plain(".IP \"--daemonize / -d\"\nBackground.\n");
    assert_eq!(options(&slash, "page")[0].names, ["--daemonize", "-d"]);
    let fonts = plain(".TP\n.BR \\-x \", \" \\-\\-auto\\-exit\nIt ends.\n");
    assert_eq!(options(&fonts, "page")[0].names, ["-x", "--auto-exit"]);
    let both = plain(".TP\n.B \\fB\\-l log_file\\fP; \\fB\\-\\-log=log_file\\fP\nWrite it there.\n");
    assert_eq!(options(&both, "page")[0].names, ["-l", "--log"]);
    let mdoc = plain(".Bl -tag\n.It Fl D\nDo not detach.\n.It Fl f Ar file\nThe file.\n");
    let found = options(&mdoc, "page");
    assert_eq!((found[0].names[0].as_str(), effect(&found[0].text)), ("-D", Effect::Stays));
}
