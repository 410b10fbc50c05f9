//! What a program says of its own options: its manual page, and the help that is written in it.

use std::sync::LazyLock;

use regex::Regex;

use super::{Tree, documents, passed_on, prose};

/// More of a program than this is not looked through.
const PROGRAM_BYTES_MAX: u64 = 48 << 20;

/// One option, as described somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// Its spellings: `-f`, `--foreground`.
    pub names: Vec<String>,
    /// The description, on one line; the beginning of a long one.
    pub text: String,
    /// More of a long one.
    pub more: String,
    /// It takes a value.
    pub takes: bool,
    /// Where: a path, perhaps with what is meant there.
    pub source: String,
}

/// What an option does to a daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It stays in the foreground.
    Stays,
    /// It goes into the background.
    Goes,
    /// Neither is said.
    Neither,
}

/// Names of options that keep a daemon in the foreground: nobody doubts their meaning.
pub const STAYS: &[&str] = &[
    "--foreground",
    "--no-daemon",
    "--nodaemon",
    "--no-fork",
    "--nofork",
    "--no-detach",
    "--no-daemonize",
    "--nodaemonize",
    "--no-background",
    "-foreground",
    "--dont-daemonize",
    "--nodetach",
    "--no-daemonise",
];

/// Names of options that put it into the background.
pub const GOES: &[&str] = &[
    "--daemon",
    "--daemonize",
    "--daemonise",
    "--background",
    "-daemon",
    "-detach",
    "--detach",
    "--fork",
    "--daemon-mode",
    "--daemonized",
];

impl Described {
    /// Takes in one more line of the description.
    fn say(&mut self, line: &str) {
        let part = if self.text.len() < 200 { &mut self.text } else { &mut self.more };
        if part.len() < 400 {
            part.push_str(if part.is_empty() { "" } else { " " });
            part.push_str(line);
        }
    }

    /// Whether it puts a daemon into the background by its very name, and says so.
    pub fn is_named_for_going(&self) -> bool {
        let named = self.names.iter().any(|name| GOES.contains(&name.as_str()));
        named && self.effect() == Effect::Goes && effect(&self.text) != Effect::Stays
    }

    /// Whether it is about the pid file, and nothing else.
    pub fn is_about_pid_file(&self) -> bool {
        let head: String = self.text.to_lowercase().chars().take(60).collect();
        let words = ["pid file", "pidfile", "pid-file", "process id file", "process identifier to", "process id to"];
        words.iter().any(|word| head.contains(word))
    }

    /// What it does to a daemon, by its names first.
    pub fn effect(&self) -> Effect {
        let has = |names: &[&str]| self.names.iter().any(|name| names.contains(&name.as_str()));
        match (has(STAYS), has(GOES)) {
            (true, false) => Effect::Stays,
            (false, true) => Effect::Goes,
            (true, true) | (false, false) => effect(&self.text),
        }
    }
}

static NOT: LazyLock<Regex> = LazyLock::new(|| {
    let not = "(do not|does not|don't|doesn't|dont|not|no|never|without|disable|disables|prevents?|avoid|suppress\
               |inhibits?|instead of|rather than)";
    let deed = r"(daemon|deamon|demon|fork|detach|background|disassociate|become a d)";
    pattern(&format!(r"\b{not}\b[^.;]{{0,32}}\b{deed}|\bnon-?(daemon|fork)|nodaemon|no-daemon|nofork|nodetach"))
});
static FOREGROUND: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b(foreground|fore-ground)\b"));
static BACKGROUND: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?x) d(ae|ea|e)moni[sz]e | \bas\x20(an?\x20)?([a-z]+\x20)?(daemon|demon)\b
        | \b(become|becomes|enter)\x20(a\x20)?daemon | \bdaemon\x20mode | \bdetach(es)?\x20from
        | \b(in|into|to)\x20(the\x20)?background\b | \bfork\x20(in|to|off) | ^daemon$ | \bdetach$ | ^background$",
    )
});
/// `By default webd runs in the background`: what it does without the option.
static WITHOUT: LazyLock<Regex> = LazyLock::new(|| {
    let name = r"(?:the )?[a-z][\w.-]*(?: daemon| server)?";
    let goes = "(?:puts itself|runs|goes|detaches itself|forks itself) (?:in|into|to|as|from)";
    let default = format!("(?:by default,? {name}|{name} normally|normally,? {name})");
    pattern(&format!(r"^{default} (?:will )?{goes}\b[^.;]{{0,24}}\b(?:background|daemon|terminal)\b"))
});
static OPTION: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\s*(?:\[|\||\*)?\s*(--?(?:\[no-\])?[A-Za-z][\w-]*)"));
static NAMES: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?:^|[\s,|/\[(])(--?[A-Za-z0-9][\w-]*)(?:[= ]?[\[<][^\]>]*[\]>]|=[A-Za-z_]+)?"));

/// An option without what it takes.
static BARE: LazyLock<Regex> = LazyLock::new(|| pattern(r"--?[A-Za-z0-9][\w-]*"));

/// What begins a heading in the text of a page.
pub const HEADING: &str = "## ";

/// So many words stand beside an option in a page for what it takes.
const ARGUMENT_WORDS_MAX: usize = 4;

/// A pattern of ASCII: the tables of Unicode are not built in.
pub(super) fn pattern(text: &str) -> Regex {
    let text = text.replace("\\b", "(?-u:\\b)").replace("\\s", "[ \\t\\n]");
    let text = text.replace("\\w", "[A-Za-z0-9_]").replace("\\d", "[0-9]");
    Regex::new(&text).expect("the patterns of this file are well-formed")
}

/// What a description says.
pub fn effect(text: &str) -> Effect {
    let (own, _) = apart(text);
    match effect_of(&own) {
        Effect::Neither => effect_of(&text.to_lowercase()),
        said => said,
    }
}

/// What a description says of the option, and what it says of how things are without it, in small letters.
fn apart(text: &str) -> (String, String) {
    static INSIDE: LazyLock<Regex> = LazyLock::new(|| pattern(r"[(\[](the )?(by )?default\b[^)\]]*[)\]]"));
    let text = text.to_lowercase();
    let starts = ["default is", "the default is", "default: ", "by default", "normally", "without this"];
    let is_of_default = |sentence: &&str| {
        let sentence = sentence.trim_start_matches(|found: char| !found.is_ascii_alphabetic());
        starts.iter().any(|start| sentence.starts_with(start))
    };
    let inside = INSIDE.find_iter(&text).map(|found| found.as_str().to_string()).collect::<Vec<_>>().join(". ");
    let rest = INSIDE.replace_all(&text, "").into_owned();
    let (without, own): (Vec<&str>, Vec<&str>) = rest.split(". ").partition(is_of_default);
    (own.join(". "), format!("{inside}. {}", without.join(". ")))
}

/// Whether a description of what sends it into the background says that it stays in the foreground by default.
pub(super) fn stays_by_default(text: &str) -> bool {
    let (own, without) = apart(text);
    effect_of(&own) == Effect::Goes && FOREGROUND.is_match(&without)
}

fn effect_of(text: &str) -> Effect {
    // Where a foreground mode only comes with debugging, it is not for every day.
    let head: String = text.chars().take(160).collect();
    if NOT.is_match(&head) || FOREGROUND.is_match(&head) || WITHOUT.is_match(&head) {
        return Effect::Stays;
    }
    // `run as this user after going into the background` is about the user.
    let about = ["user", "group", "pid", "file", "port", "log", "address", "directory", "chroot"];
    let first: String = head.chars().take(40).collect();
    let is_about_other = about.iter().any(|word| first.contains(word));
    if BACKGROUND.is_match(&head) && !is_about_other { Effect::Goes } else { Effect::Neither }
}

/// Whether it speaks of the foreground, or of what a program does without it.
pub(super) fn is_about_background(text: &str) -> bool {
    let text = text.to_lowercase();
    FOREGROUND.is_match(&text) || WITHOUT.is_match(&text)
}

/// Whether it says that this is for finding faults.
pub fn is_for_debugging(text: &str) -> bool {
    let text = text.to_lowercase();
    ["debug", "test mode", "testing", "for troubleshooting", "interactive"].iter().any(|word| text.contains(word))
}

/// Every option of a program that is described in its manual page or in its own text.
///
/// Of a program that is many by its first argument (`puppet agent`), the page of that one, too.
pub fn described(tree: &Tree, command: &[String]) -> Vec<Described> {
    let Some(program) = command.first() else { return Vec::new() };
    let mut out = read_pages(tree, program);
    if let Some(first) = command.get(1).filter(|first| first.chars().all(|found| found.is_ascii_lowercase())) {
        out.extend(read_pages(tree, &format!("{program}-{first}")));
    }
    out.extend(own_text(tree, program));
    if let Some(inner) = passed_on::to(tree, program) {
        out.extend(read_pages(tree, &inner));
        out.extend(own_text(tree, &inner));
    }
    out
}

/// The options in a text whose lines are descriptions, as `--help` prints them.
pub(super) fn options(text: &str, source: &str) -> Vec<Described> {
    let mut out: Vec<Described> = Vec::new();
    let is_page = source.contains("/man/");
    let mut has_begun = true;
    for line in text.lines() {
        if !OPTION.is_match(line) {
            let more = line.trim();
            // The description may begin below the option.
            if let Some(last) = out.last_mut()
                && line.starts_with([' ', '\t'])
                && !more.is_empty()
            {
                if is_page && !has_begun && last.text.split(' ').count() <= ARGUMENT_WORDS_MAX {
                    // `-l FILE` above, what it does below: the word is its argument.
                    last.takes |= !last.text.is_empty();
                    last.text.clear();
                }
                has_begun = true;
                last.say(more);
            }
            continue;
        }
        let (head, text) = halves(line.trim());
        let head = head.replace("--[no-]", "--no-");
        let names = NAMES.captures_iter(&head).map(|found| found[1].to_string()).collect();
        let takes = BARE.replace_all(&head, "").contains(|found: char| found.is_ascii_alphanumeric());
        let source = source.to_string();
        out.push(Described { names, text: text.to_string(), more: String::new(), takes, source });
        has_begun = false;
    }
    out
}

/// The option and its description: a wide gap, a tab, or a sign between them.
fn halves(line: &str) -> (&str, &str) {
    let gap =
        ["\t", "   ", "  ", " : ", " - ", ": ", " -- "].iter().filter_map(|gap| Some((line.find(gap)?, *gap))).min();
    if let Some((at, gap)) = gap {
        return (&line[..at], line[at + gap.len()..].trim());
    }
    // `-f run in foreground`: the words after the options.
    let mut end = 0;
    for word in line.split_inclusive(' ') {
        // `--daemonize / -d`, `-d or --daemonize`, `-l file; --log=file`.
        let joins = matches!(word.trim(), "/" | "or") || word.trim().ends_with(';');
        let joins = joins && line[end + word.len()..].starts_with('-');
        if !joins && !word.starts_with(['-', '[', '<', '|', ',']) && !is_argument(word.trim()) && end > 0 {
            break;
        }
        end += word.len();
    }
    (&line[..end], line[end..].trim())
}

/// `FILE`: a word for what an option takes.
fn is_argument(word: &str) -> bool {
    word.len() > 1 && word.chars().all(|found| found.is_ascii_uppercase() || found == '_')
}

fn read_pages(tree: &Tree, program: &str) -> Vec<Described> {
    let pages = pages(tree, program);
    // What stands in a list is said there to describe the option; a sentence may only mention it.
    let listed = pages.iter().flat_map(|(path, text)| options(text, path));
    listed.chain(pages.iter().flat_map(|(path, text)| prose::options(text, path))).collect()
}

/// Its manual pages as text, so far as they are there, each with its path.
pub fn pages(tree: &Tree, program: &str) -> Vec<(String, String)> {
    let name = program.rsplit('/').next().unwrap_or(program);
    let mut out = Vec::new();
    for section in ["8", "1", "5", "1m", "7", "6", "1p", "8p"] {
        let directory = format!("/usr/share/man/man{}", &section[..1]);
        for end in ["", ".gz"] {
            let path = format!("{directory}/{name}.{section}{end}");
            let Some(found) = tree.find(&path) else { continue };
            let text = documents::unpacked(&found);
            let Some(text) = text else { continue };
            out.push((path, plain(&svc_compat::text::decode(&text))));
        }
    }
    out
}

/// Whether a page shows the value of an option in brackets: `--local[=NET]`, `-p [FILE]`.
pub(super) fn is_value_optional(tree: &Tree, program: &str, option: &str) -> bool {
    let shows = |line: &str| {
        let mut places = line.trim_start().match_indices(option);
        places.any(|(at, _)| at == 0 && line.trim_start()[option.len()..].trim_start().starts_with('['))
    };
    pages(tree, program).iter().any(|(_, text)| text.lines().any(shows))
}

/// A manual page as text: each option begins a line, what is said of it is indented below.
fn plain(page: &str) -> String {
    static FONT: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"\\[f*](\[[^\]]*\]|\(..|.)|\\s[-+]?[0-9]").expect("a request for a font or a string")
    });
    let mut out = String::new();
    let mut tag = 0;
    for line in page.lines() {
        if line.starts_with(".\\\"") || line.starts_with("'\\\"") {
            continue;
        }
        let line = FONT.replace_all(line, "").replace("\\-", "-").replace("\\ ", " ").replace("\\&", "");
        let line = line
            .replace("\\(hy", "-")
            .replace("\\(en", "-")
            .replace("\\(aq", "'")
            .replace("\\|", "")
            .replace("\\~", " ");
        let Some(request) = line.strip_prefix('.') else {
            let option = OPTION.is_match(&line) && (tag > 0 || line.len() < 60);
            if !option {
                out.push_str("    ");
            }
            out.push_str(line.trim());
            out.push('\n');
            tag = 0;
            continue;
        };
        let (name, rest) = request.split_once(' ').unwrap_or((request, ""));
        let rest = rest.replace('"', "");
        match name {
            "TP" | "PP" | "P" | "LP" | "sp" | "br" => tag = 1,
            "IP" | "It" | "B" | "BR" | "BI" | "I" | "IR" | "RB" | "Fl" | "HP" | "SB" | "SS" => {
                let mdoc = name == "It" || name == "Fl";
                let text = if mdoc {
                    flags(if name == "Fl" { &request[0..] } else { &rest })
                } else {
                    // `.BR -x ", " --auto-exit`
                    rest.split_whitespace().collect::<Vec<_>>().join(" ").replace(" ,", ",")
                };
                if OPTION.is_match(&text) && (tag > 0 || name == "IP" || name == "SS" || mdoc) {
                    out.push_str(&text);
                } else {
                    out.push_str("    ");
                    out.push_str(&text);
                }
                out.push('\n');
                tag = 0;
            }
            "SH" | "Sh" => {
                out.push_str(HEADING);
                out.push_str(rest.trim());
                out.push('\n');
            }
            _ => {}
        }
    }
    out
}

/// `Fl f Ar file` of mdoc as `-f file`.
fn flags(text: &str) -> String {
    let mut out: Vec<String> = Vec::new();
    let mut words = text.split_whitespace().peekable();
    while let Some(word) = words.next() {
        match word {
            "Fl" => {
                while let Some(option) =
                    words.next_if(|next| !next.chars().next().is_some_and(char::is_uppercase) || next.len() == 1)
                {
                    out.push(format!("-{option}"));
                }
            }
            "Ar" | "Oo" | "Oc" | "Op" | "Ns" | "No" | "Cm" | "Xo" | "Xc" | "Pa" => {}
            other => out.push(format!("<{other}>")),
        }
    }
    out.join(" ")
}

/// Texts in a compiled program that are wanted.
pub(super) fn own_texts(tree: &Tree, program: &str, wanted: impl Fn(&[u8]) -> bool) -> Vec<String> {
    let Some(found) = tree.find(program) else { return Vec::new() };
    let is_small = std::fs::metadata(&found).is_ok_and(|found| found.len() <= PROGRAM_BYTES_MAX);
    let bytes = if is_small { std::fs::read(&found).unwrap_or_default() } else { Vec::new() };
    let is_compiled = bytes.starts_with(b"\x7fELF");
    let texts = bytes.split(|byte| !matches!(byte, b'\n' | b'\t' | 0x20..=0x7e)).filter(|_| is_compiled);
    texts.filter(|text| wanted(text)).map(|text| String::from_utf8_lossy(text).into_owned()).collect()
}

/// The help that is written in the program itself: the lines of its text that begin with an option.
fn own_text(tree: &Tree, program: &str) -> Vec<Described> {
    let Some(found) = tree.find(program) else { return Vec::new() };
    let is_small = std::fs::metadata(&found).is_ok_and(|found| found.len() <= PROGRAM_BYTES_MAX);
    let Some(bytes) = is_small.then(|| std::fs::read(&found).ok()).flatten() else { return Vec::new() };
    let source = format!("{program}, the help in it");
    if !bytes.starts_with(b"\x7fELF") {
        return scripted(&svc_compat::text::decode(&bytes), &source);
    }
    let mut out = Vec::new();
    let mut text = String::new();
    let mut renamed = Vec::new();
    let mut end = |text: &mut String| {
        if text.len() >= 4 && text.contains('-') {
            out.extend(options(text, &source));
            renamed.extend(renamed_in(text));
        }
        text.clear();
    };
    for byte in bytes {
        match byte {
            b'\n' | b'\t' | 0x20..=0x7e => text.push(char::from(byte)),
            _ => end(&mut text),
        }
    }
    end(&mut text);
    for (old, new) in renamed {
        let Some(mut known) = out.iter().find(|known| known.names.contains(&new)).cloned() else { continue };
        known.names = vec![old];
        out.push(known);
    }
    out
}

/// `option '-d' is deprecated - use '-f' instead`: an old name, and the one that is described.
fn renamed_in(text: &str) -> Option<(String, String)> {
    static RENAMED: LazyLock<Regex> = LazyLock::new(|| {
        let (quote, option) = ("[`'\"]?", r"(--?[A-Za-z][\w-]*)");
        pattern(&format!(
            "{quote}{option}{quote} is (?:deprecated|obsolete)[ ,.:;-]{{1,4}}(?:please )?use {quote}{option}{quote}"
        ))
    });
    let found = text.contains("use").then(|| RENAMED.captures(text))??;
    Some((found[1].to_string(), found[2].to_string()))
}

/// Options in the source of a script: `add_argument('-f', '--foreground', help='...')` and plain help.
fn scripted(text: &str, source: &str) -> Vec<Described> {
    static ADDED: LazyLock<Regex> =
        LazyLock::new(|| pattern(r#"(?s)add_(?:argument|option)\(([^)]{0,300}?)help\s*=\s*_?\(?f?["']([^"']{0,200})"#));
    static PAIR: LazyLock<Regex> = LazyLock::new(|| pattern(r#"["'](-[A-Za-z])["'],\s*["'](--[A-Za-z][\w-]*)["']"#));
    static QUOTED: LazyLock<Regex> = LazyLock::new(|| pattern(r#"["'](--?[A-Za-z][\w-]*)["']"#));
    // `if ($opt eq '-f') { $foreground = 1`: options that a text reads by itself.
    static SETS: LazyLock<Regex> = LazyLock::new(|| {
        let option = r#"(?:\beq|==)\s*["'](--?[A-Za-z][\w-]*)["']\s*\)?\s*[{:]"#;
        let variable = "((?:[a-z_]+[.])?(?:foreground|no_?daemon|no_?fork))";
        pattern(&format!(r"{option}(?:\s*#[^\n]*)?\s*[$]?{variable}\s*=\s*(?:1|[Tt]rue)\b"))
    });
    let mut out = options(text, source);
    for found in ADDED.captures_iter(text) {
        let names = QUOTED.captures_iter(&found[1]).map(|name| name[1].to_string()).collect();
        let takes = !found[1].contains("store_true") && !found[1].contains("store_false");
        let (text, source) = (found[2].to_string(), source.to_string());
        out.push(Described { names, text, more: String::new(), takes, source });
    }
    for found in SETS.captures_iter(text) {
        let (names, source) = (vec![found[1].to_string()], source.to_string());
        let text = format!("sets {}: stays in the foreground", &found[2]);
        out.push(Described { names, text, more: String::new(), takes: false, source });
    }
    for found in PAIR.captures_iter(text) {
        let names = vec![found[1].to_string(), found[2].to_string()];
        if !out.iter().any(|known| names.iter().all(|name| known.names.contains(name))) {
            let (text, more, source) = (String::new(), String::new(), source.to_string());
            out.push(Described { names, text, more, takes: false, source });
        }
    }
    out
}

#[cfg(test)]
mod tests;
