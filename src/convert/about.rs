//! What an option is about, by what is said of it: the log, or a value that a program has anyway.

use std::sync::LazyLock;

use regex::Regex;

use super::manual::{Described, pattern};

/// So much of a description says what the option does; the rest is detail.
const HEAD_CHARACTERS: usize = 140;

/// Parts of long names that speak of the log and of nothing else.
const NAMED: &[&str] = &[
    "syslog",
    "logfile",
    "logstdout",
    "logstderr",
    "logsink",
    "logging.sink",
    "logmethod",
    "logtostderr",
    "logtostdout",
    "stderrlog",
    "closestdio",
    "disablecolors",
    "nocolor",
    "nocolors",
    "nologtimestamps",
    "quiet",
    "silent",
];

static PLACE: LazyLock<Regex> = LazyLock::new(|| {
    let what = r"(logs?|logged|logging|messages?|diagnostics?|output|errors?|statements?)";
    let place = "(syslogd?|system log(ger)?|system's log|stdout|stderr|standard (output|error)|terminal|console|tty\
                 |log ?-?files?|files?)";
    let by = "(to|on|in|into|onto|via|through|using|with)";
    let no = "(use|uses|enable|enables|disable|disables|do not|don't|no|not|without|turn off)";
    let goes = format!(r"\b{what}\b[^.;]{{0,60}}\b{by}\b[^.;]{{0,24}}\b{place}\b");
    pattern(&format!(r"{goes}|\b{no}\b[^.;]{{0,20}}\bsyslogd?\b|^{place}.{{0,4}}logging\b"))
});
static FILE: LazyLock<Regex> = LazyLock::new(|| {
    let where_it_goes =
        "(the )?(location|place|where)\\b.{0,40}\\b(sends?|logs?|writes?|puts?)\\b.{0,20}\\b(messages|logs?|output)\\b";
    let before = "(((set|specify|specifies|use|sets|define|defines) )?((the|an?|alternate|alternative|full) )*\
                  ((path|location|name|filename|where)( (of|to|for))? )?((the|an?) )*)";
    let given = "^(use|write to) (the |a )?(specific |specified |given )?file [^.;]{0,30}\\bto (log|write) messages\\b";
    pattern(&format!(r"^{before}(log[ -]?file|file (to|for) (log|send output|write log))|^{where_it_goes}|{given}"))
});
static FORM: LazyLock<Regex> = LazyLock::new(|| {
    let form = r"\b(time ?stamps?|colou?r(s|ed|ful|ing|ize|ise)?)\b";
    let what = r"\b(log|logs|logging|output|messages?|console)\b";
    let no = "^(no|suppress|omit|disable|do not add|do not print|don't add|don't print|without) (the |any )?";
    pattern(&format!("{form}.*{what}|{what}.*{form}|{no}{form}"))
});
static LESS: LazyLock<Regex> = LazyLock::new(|| {
    let nothing = r"\bsuppress(es)?\b[^.;]{0,30}\b(messages|output|banner)\b|\b(less|no) output\b";
    let errors = r"\bonly (print |show |output )?error messages\b|^(print|show|output) errors?( messages)?[.]?$";
    pattern(&format!("^(be |run |operate |work )?(quiet|silent)|{nothing}|{errors}"))
});
/// What happens is written down, not where.
static WHAT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"\b(every|each|quer(y|ies)|requests?|connections?|transfers?|access|audit|sessions?|pid|config[a-z]*)\b")
});

static PLACEHOLDER: LazyLock<Regex> = LazyLock::new(|| pattern("<[^>]*>"));

/// Whether it only says where the messages of a program go, how they look, or that it prints less.
pub fn is_about_log(option: &Described) -> bool {
    if option.names.iter().any(|name| is_named_for_log(name)) {
        return true;
    }
    let text = option.text.to_lowercase();
    let sentence = text.split(". ").next().unwrap_or_default();
    let head: String = sentence.chars().take(HEAD_CHARACTERS).collect();
    let says = [&PLACE, &FILE, &FORM, &LESS].iter().any(|known| known.is_match(&head));
    says && !WHAT.is_match(&head)
}

/// Whether it only says that a process group or a session of its own is not made: what goes into the background makes
/// one, and what stays below a supervisor has the supervisor's.
pub fn is_about_session(option: &Described) -> bool {
    static SESSION: LazyLock<Regex> = LazyLock::new(|| {
        let none = "(do not|don't|does not|doesn't) (create|make|start|become|open) (an? )?(new |own )*";
        pattern(&format!(r"^{none}(process groups?|session)\b"))
    });
    SESSION.is_match(&option.text.to_lowercase())
}

/// Whether it only says which supervisor starts the daemon.
pub fn is_about_starter(option: &Described) -> bool {
    static STARTER: LazyLock<Regex> = LazyLock::new(|| {
        let starts = "(run|started|launched|invoked)( on demand)?";
        pattern(&format!(r"\b{starts} (from|by|under|via) [^.;]{{0,24}}\b(systemd|launchd|upstart)\b"))
    });
    STARTER.is_match(&option.text.to_lowercase())
}

/// Whether it takes a pattern of file names, which the program fills in itself.
pub fn is_about_pattern(option: &Described) -> bool {
    static PATTERN: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"\b(matching|match|matches) (a|the) (glob )?pattern\b|\bglob\b"));
    option.takes && PATTERN.is_match(&option.text.to_lowercase())
}

/// Whether a long option says by its name that it is about the log.
pub fn is_named_for_log(name: &str) -> bool {
    let bare = name.trim_start_matches('-').to_ascii_lowercase().replace(['-', '_'], "");
    let bare = bare.trim_start_matches("no").trim_start_matches("disable").trim_start_matches("use");
    let whole = name.trim_start_matches('-').to_ascii_lowercase().replace(['-', '_'], "");
    name.starts_with('-') && whole.len() > 3 && NAMED.iter().any(|known| *known == bare || *known == whole)
}

/// Whether a description says that this value is what it is without the option.
pub fn is_default(option: &Described, value: &str) -> bool {
    let text = format!("{} {}", option.text, option.more);
    let lower = text.to_ascii_lowercase();
    let wanted = value.to_ascii_lowercase();
    let is_inside = |found: char| found.is_ascii_alphanumeric() || "_-/:".contains(found);
    lower.match_indices("default").any(|(at, name)| {
        if is_told_before(&lower[..at], &lower[at + name.len()..], &wanted) {
            return true;
        }
        // `default is 15`, `(default: /run/x)`, `the default of 1`: what follows in the same sentence.
        let after = &lower[at + name.len()..];
        let end = after.find([';', ')']).into_iter().chain(after.find(". ")).min().unwrap_or(after.len());
        let told: String = after[..end].chars().take(60).collect();
        let told = PLACEHOLDER.replace_all(&told, "");
        told.split(|found: char| !is_inside(found) && found != '.')
            .map(|word| word.trim_end_matches(['.', ':']))
            .find(|word| says_something(word))
            .is_some_and(|word| word == wanted)
    })
}

/// Whether a description says that without the option it is the directory that the daemon is started in.
pub fn is_default_where_it_starts(option: &Described) -> bool {
    static HERE: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"\bdefaults?\b[^.;]{0,40}\b(current|working) (working )?directory\b"));
    HERE.is_match(&format!("{} {}", option.text, option.more).to_lowercase())
}

/// `80 by default`, `80 is the default`, `80 (default)`: what stands before the word.
fn is_told_before(before: &str, after: &str, wanted: &str) -> bool {
    let (leads, ends): (&[&str], _) = match after.starts_with([')', ']']) {
        true => (&[" (", " ["], true),
        false => (&[" by ", " is the "], after.is_empty() || after.starts_with(['.', ',', ';', ' '])),
    };
    let lead = leads.iter().find_map(|lead| before.strip_suffix(lead)).filter(|_| ends);
    let word = lead.and_then(|before| before.rsplit([' ', '(', '\t']).next());
    word.is_some_and(|word| word.trim_matches(['"', '\'', '`', ',']) == wanted)
}

/// Whether a word after `default` may be the value, not one of those that lead to it.
fn says_something(word: &str) -> bool {
    let leads =
        ["", "s", "ed", "is", "to", "of", "value", "are", "the", "it", "set", "listen", "queue", "port", "will"];
    !leads.contains(&word) && !word.chars().all(|found| "_-/:".contains(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn option(names: &[&str], text: &str) -> Described {
        let names = names.iter().map(|name| (*name).to_string()).collect();
        let (more, source) = (String::new(), "a page".to_string());
        Described { names, text: text.to_string(), more, takes: false, source }
    }

    #[test]
    fn an_option_is_about_the_log_where_its_description_says_only_that() {
        let about = [
            "Log to standard error rather than syslog.",
            "Write diagnostic messages to the specified file instead of to standard error.",
            "Suppress timestamps. Do not prefix logging messages with a timestamp.",
            "Do not add time stamps to log lines",
            "Use syslogd for logging. The default behavior is to log to stdout",
            "Log file to write to",
            "Be quiet; emit only error messages",
            "Suppress the start-up messages.",
            "Show error messages",
            "Send all messages to the system logger, except for startup messages.",
            "Send the debug output to files instead of stderr",
            "Location where WEBD will send log messages.",
            "Use the specific file log_file to log messages to.",
        ];
        for text in about {
            assert!(is_about_log(&option(&["-x"], text)), "{text}");
        }
        let other = [
            "Log every received request to syslog",
            "The file with the configuration",
            "Listen on this port",
            "Set the log level to NUMBER",
            "Show error and info messages",
            "Be verbose",
            "Write the process id to this file",
            "Log all queries to the file",
            "Use the specific file to read messages from",
            "Colour of the background",
        ];
        for text in other {
            assert!(!is_about_log(&option(&["-x"], text)), "{text}");
        }
        assert!(is_about_log(&option(&["--no-syslog"], "")) && is_about_log(&option(&["--log-file"], "")));
        assert!(is_about_log(&option(&["--logging.sink"], "")) && !is_about_log(&option(&["--sink"], "Where to play")));
        assert!(!is_about_log(&option(&["--log-level"], "")) && !is_about_log(&option(&["-q"], "")));
    }

    #[test]
    fn an_option_is_about_the_session_where_it_says_that_none_is_made() {
        let is_it = |text: &str| is_about_session(&option(&["-n"], text));
        assert!(is_it("Do not create a new process group for webd.") && is_it("Don't start a session"));
        assert!(!is_it("Create a new process group for each request") && !is_it("Do not create a new socket"));
        assert!(!is_it("Sessions do not expire"));
    }

    #[test]
    fn an_option_may_say_who_starts_the_daemon() {
        let is_it = |text: &str| is_about_starter(&option(&["-l"], text));
        assert!(is_it("This option is passed to webd when it is run from launchd (8) or systemd (8)."));
        assert!(is_it("It quits after 60 seconds. This is used when webd is started on demand by systemd."));
        assert!(is_it("Set when started by systemd") && !is_it("Run units from a directory, as systemd does"));
        assert!(!is_it("Listen on the sockets that systemd has opened"));
    }

    #[test]
    fn an_option_may_take_a_pattern_of_names() {
        let is_it = |text: &str, takes: bool| is_about_pattern(&Described { takes, ..option(&["-g"], text) });
        assert!(is_it("Open device files matching the glob pattern.", true));
        assert!(!is_it("Open device files matching the glob pattern.", false) && !is_it("A device file", true));
    }

    #[test]
    fn the_default_may_be_where_it_starts() {
        let here = |text: &str| is_default_where_it_starts(&option(&["-b"], text));
        assert!(here("Base of paths. By default this is the current directory.") && here("Default: working directory"));
        assert!(!here("Base of paths; /srv by default. The current directory is left") && !here("Current directory"));
    }

    #[test]
    fn a_default_is_the_value_that_the_description_names_as_one() {
        assert!(is_default(&option(&["-i"], "Seconds between scans. Default <max_interval> is 15 seconds."), "15"));
        assert!(is_default(
            &option(&["-l"], "By default, the listen queue is set to 32. More is seldom needed."),
            "32"
        ));
        assert!(is_default(&option(&["-p"], "The port (default: 22)"), "22"));
        assert!(is_default(&option(&["-c"], "Configuration; defaults to /etc/web.conf."), "/etc/web.conf"));
        assert!(!is_default(&option(&["-p"], "The port (default: 22)"), "2222"));
        assert!(!is_default(&option(&["-p"], "The port, 22 for example"), "22"));
        assert!(is_default(&option(&["-p"], "The port, 22 by default."), "22"));
        assert!(is_default(&option(&["-p"], "The port; 22 is the default"), "22"));
        assert!(is_default(&option(&["-m"], "The mode: fast, slow (default), none"), "slow"));
        assert!(!is_default(&option(&["-m"], "The mode: fast, slow (default), none"), "none"));
        assert!(!is_default(&option(&["-p"], "Not 22 (default is 80)"), "22"));
        assert!(!is_default(&option(&["-p"], "Not 22 (default 80)"), "22"));
    }
}
