//! Commands that print: parts of files and texts.

use super::flow::Flow;
use super::pattern::expression;
use super::sed::edited;
use super::{Player, UNKNOWN, is_unknown};
use crate::text::base_name;

/// [`UNKNOWN`] as a text.
const UNKNOWN_TEXT: &str = "\u{e000}";

impl Player<'_> {
    /// A command that reads text and prints some of it; `None` for any other.
    pub(super) fn filter(&mut self, name: &str, words: &[String]) -> Option<Flow> {
        let plain: Vec<&String> = words.iter().filter(|word| !word.starts_with('-') || *word == "-").collect();
        match name {
            "basename" => {
                let path = plain.first().map_or("", |path| base_name(path.trim_end_matches('/')));
                let suffix = plain.get(1).map_or("", |suffix| suffix.as_str());
                let text = path.strip_suffix(suffix).filter(|rest| !rest.is_empty()).unwrap_or(path);
                self.print(&format!("{text}\n"));
            }
            "dirname" => {
                let path = plain.first().map_or("", |path| path.trim_end_matches('/'));
                let text =
                    path.rsplit_once('/').map_or(".", |(before, _)| if before.is_empty() { "/" } else { before });
                self.print(&format!("{text}\n"));
            }
            "cat" | "head" | "tail" | "sort" | "uniq" | "tac" | "nl" => self.some_lines(name, words, &plain)?,
            "wc" => {
                let text = self.text_for(&plain)?;
                let count = if words.iter().any(|word| word == "-l") { text.lines().count() } else { text.len() };
                let shown = if text.contains(is_unknown) { UNKNOWN.to_string() } else { count.to_string() };
                self.print(&format!("{shown}\n"));
            }
            "grep" | "egrep" | "fgrep" => return Some(self.grep(name, words)),
            "sed" => return Some(self.sed(words)),
            "cut" | "tr" | "awk" | "gawk" | "mawk" | "perl" | "python" | "python3" if self.reads_told() => {
                let told = self.input.clone().unwrap_or_default();
                let dot = (name == "cut").then(|| super::told::first_part(told.trim_end(), words)).flatten();
                self.print(&format!("{}\n", dot.unwrap_or(UNKNOWN)));
            }
            "cut" => self.cut_fields(words),
            "tr" => self.translate(words),
            "perl" if substitution(words).is_some() => {
                return Some(self.sed(&["-E".to_string(), substitution(words).unwrap_or_default()]));
            }
            "awk" | "gawk" | "mawk" | "perl" | "python" | "python3" => return self.awk(name, words),
            _ => return self.tells(name, words, &plain),
        }
        Some(self.ends(0))
    }

    /// Whether what it reads is made of what the machine tells.
    fn reads_told(&self) -> bool {
        self.input.as_ref().is_some_and(|input| input.contains(super::told::is_told))
    }

    /// A command that tells something of the machine.
    fn tells(&mut self, name: &str, words: &[String], plain: &[&String]) -> Option<Flow> {
        match name {
            "readlink" | "realpath" => {
                let path = plain.first().map_or(String::new(), |path| (*path).clone());
                let found = self.tree.real(&path);
                self.print(&format!("{}\n", found.unwrap_or(path)));
            }
            "pwd" => self.print("/\n"),
            "id" => {
                if words.is_empty() {
                    self.print("uid=0(root) gid=0(root) groups=0(root)\n");
                } else if words.first().is_some_and(|word| word == "-u") && words.len() == 1 {
                    self.print("0\n");
                } else if words.first().is_some_and(|word| word.contains('n')) {
                    let who = plain.first().map_or("root", |user| user.as_str()).to_string();
                    self.print(&format!("{who}\n"));
                } else {
                    self.print(&UNKNOWN.to_string());
                }
                return Some(self.may_end(0));
            }
            "whoami" | "logname" => self.print("root\n"),
            "hostname" | "uname" | "nproc" | "getconf" if super::told::of_command(name, words).is_some() => {
                let told = super::told::of_command(name, words).map(String::from).unwrap_or_default();
                self.print(&format!("{told}\n"));
            }
            "uname" => match words.first().map(String::as_str) {
                None | Some("-s") => self.print("Linux\n"),
                _ => self.print(&UNKNOWN.to_string()),
            },
            "getent" => {
                let who = plain.get(1).map_or("", |name| name.as_str());
                self.print(&format!("{who}:x:{UNKNOWN}\n"));
                return Some(self.may_end(0));
            }
            "expr" => {
                let spot = super::Spot { file: std::rc::Rc::from("expr"), line: 0 };
                let text = self.sum(&words.join(" ").replace('\\', ""), &spot);
                self.print(&format!("{text}\n"));
            }
            "seq" => {
                let last = plain.last().and_then(|last| last.parse::<u32>().ok()).unwrap_or(1).min(8);
                (1..=last).for_each(|number| self.print(&format!("{number}\n")));
            }
            "ls" if !plain.is_empty() && !plain.iter().any(|path| path.contains(is_unknown)) => {
                let there: Vec<&&String> = plain.iter().filter(|path| self.tree.is_file(path)).collect();
                there.iter().for_each(|path| self.print(&format!("{path}\n")));
                return Some(self.may_end(i32::from(there.is_empty())));
            }
            "date" | "hostname" | "stat" | "ls" | "df" | "du" | "who" | "lsmod" | "lsof" | "fuser" | "netstat"
            | "ss" | "nproc" | "free" | "arch" | "dpkg-architecture" | "lsb_release" | "tty" | "md5sum" | "getconf" => {
                self.record.asks_network |= matches!(name, "hostname" | "netstat" | "ss");
                self.print(&UNKNOWN.to_string());
                return Some(self.may_end(0));
            }
            _ => return None,
        }
        Some(self.ends(0))
    }

    /// The text of the files named, or of the input.
    fn text_for(&mut self, files: &[&String]) -> Option<String> {
        if files.is_empty() || files[0] == "-" {
            return Some(self.input.clone().unwrap_or_default());
        }
        let texts: Vec<String> = files.iter().filter_map(|file| self.contents(file)).collect();
        if texts.is_empty() { None } else { Some(texts.concat()) }
    }

    fn some_lines(&mut self, name: &str, words: &[String], plain: &[&String]) -> Option<()> {
        let count = words.iter().find_map(|word| word.trim_start_matches(['-', 'n']).parse::<usize>().ok());
        let files: Vec<&String> = plain.iter().filter(|word| word.parse::<usize>().is_err()).copied().collect();
        let Some(text) = self.text_for(&files) else {
            let unknown = files.iter().any(|file| file.contains(is_unknown));
            if unknown || (self.tree.is_partial() && !files.iter().any(|file| super::question::volatile(file))) {
                self.print(&UNKNOWN.to_string());
                self.may_end(0);
            } else {
                self.ends(1);
            }
            return None;
        };
        let lines: Vec<&str> = text.lines().collect();
        let count = count.unwrap_or(10);
        let chosen: Vec<&str> = match name {
            "head" => lines.into_iter().take(count).collect(),
            "tail" => lines[lines.len().saturating_sub(count)..].to_vec(),
            "tac" => lines.into_iter().rev().collect(),
            _ => lines,
        };
        chosen.iter().for_each(|line| self.print(&format!("{line}\n")));
        Some(())
    }

    fn grep(&mut self, name: &str, words: &[String]) -> Flow {
        let (mut flags, mut pattern, mut files) = (String::new(), None, Vec::new());
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            match word.as_str() {
                "-e" => pattern = rest.next().cloned(),
                "-m" | "-A" | "-B" => drop(rest.next()),
                option if option.starts_with('-') && option.len() > 1 => flags.push_str(option.trim_start_matches('-')),
                _ if pattern.is_none() => pattern = Some(word.clone()),
                _ => files.push(word),
            }
        }
        let Some(text) = self.text_for(&files).filter(|text| !text.contains(is_unknown)) else {
            self.print(&UNKNOWN.to_string());
            return self.may_end(0);
        };
        let pattern = pattern.unwrap_or_default();
        let extended = name == "egrep" || flags.contains('E') || flags.contains('P');
        let pattern = if name == "fgrep" || flags.contains('F') { regex::escape(&pattern) } else { pattern };
        let Some(found) = expression(&pattern, extended, flags.contains('i')) else { return self.may_end(0) };
        let inverse = flags.contains('v');
        let lines: Vec<&str> = text.lines().filter(|line| found.is_match(line) != inverse).collect();
        if flags.contains('c') {
            self.print(&format!("{}\n", lines.len()));
        } else if !flags.contains('q') {
            for line in &lines {
                let shown = match flags.contains('o') {
                    true => found.find(line).map_or("", |found| found.as_str()),
                    false => line,
                };
                self.print(&format!("{shown}\n"));
            }
        }
        self.ends(i32::from(lines.is_empty()))
    }

    /// `s` commands, with an address before them or none.
    fn sed(&mut self, words: &[String]) -> Flow {
        let (mut scripts, mut silent, mut extended, mut plain) = (Vec::new(), false, false, Vec::new());
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            match word.as_str() {
                "-e" => scripts.extend(rest.next().cloned()),
                "-i" => return self.may_end(0),
                option if option.starts_with('-') && option.len() > 1 => {
                    silent |= option.contains('n');
                    extended |= option.contains('r') || option.contains('E');
                    if option.ends_with('e') {
                        scripts.extend(rest.next().cloned());
                    }
                }
                _ => plain.push(word),
            }
        }
        if scripts.is_empty() && !plain.is_empty() {
            scripts.push(plain.remove(0).clone());
        }
        let text = self.text_for(&plain).filter(|text| !text.contains(is_unknown));
        let out = text.and_then(|text| edited(&text, &scripts, silent, extended));
        let out = out.unwrap_or_else(|| UNKNOWN.to_string());
        self.print(&out);
        self.may_end(0)
    }

    fn cut_fields(&mut self, words: &[String]) {
        let text = self.input.clone().unwrap_or_default();
        let value = |letter: &str| {
            let at = words.iter().position(|word| word.starts_with(letter))?;
            let joined = words[at][2..].to_string();
            if joined.is_empty() { words.get(at + 1).cloned() } else { Some(joined) }
        };
        let delimiter = value("-d").unwrap_or_else(|| "\t".to_string());
        let field = value("-f").and_then(|field| field.parse::<usize>().ok());
        for line in text.lines() {
            let shown = match field {
                Some(field) if line.contains(&delimiter) => {
                    line.split(delimiter.as_str()).nth(field.saturating_sub(1)).unwrap_or_default().to_string()
                }
                Some(_) => line.to_string(),
                None => UNKNOWN.to_string(),
            };
            self.print(&format!("{shown}\n"));
        }
    }

    fn translate(&mut self, words: &[String]) {
        let text = self.input.clone().unwrap_or_default();
        let out = match (words.first().map(String::as_str), words.get(1), words.get(2)) {
            (Some("-d"), Some(gone), _) => {
                let gone = gone.replace("\\n", "\n");
                text.chars().filter(|found| !gone.contains(*found)).collect()
            }
            (Some("-s"), ..) => text,
            (Some(from), Some(to), _) if from.chars().count() == 1 && to.chars().count() == 1 => text.replace(from, to),
            (Some("[A-Z]" | "A-Z" | "[:upper:]"), ..) => text.to_lowercase(),
            (Some("[a-z]" | "a-z" | "[:lower:]"), ..) => text.to_uppercase(),
            _ => UNKNOWN.to_string(),
        };
        self.print(&out);
    }

    /// `{ print $N }` with `-F`, and nothing else.
    fn awk(&mut self, name: &str, words: &[String]) -> Option<Flow> {
        if name.ends_with("awk")
            && let Some(field) = words.iter().find_map(|word| {
                let inside = word.trim().strip_prefix('{')?.trim_end_matches('}').trim().trim_end_matches(';');
                inside.strip_prefix("print")?.trim().strip_prefix('$')?.trim().parse::<usize>().ok()
            })
            && let Some(text) = self.input.clone()
        {
            let delimiter = words.iter().find_map(|word| word.strip_prefix("-F")).unwrap_or("");
            for line in text.lines() {
                let found = match delimiter {
                    _ if line.contains(is_unknown) => Some(UNKNOWN_TEXT),
                    "" => line.split_whitespace().nth(field.saturating_sub(1)),
                    other => line.split(other.trim_matches('"')).nth(field.saturating_sub(1)),
                };
                self.print(&format!("{}\n", found.unwrap_or_default()));
            }
            return Some(self.ends(0));
        }
        if (self.outputs.len() == 1 || self.context.output.is_some()) && !name.ends_with("awk") {
            return None;
        }
        self.print(&UNKNOWN.to_string());
        Some(self.may_end(0))
    }
}

/// `perl -pe 's/(\S+)/--listen $1/g'` as sed has it.
fn substitution(words: &[String]) -> Option<String> {
    let [option, script] = words else { return None };
    let script = script.trim().trim_end_matches(';');
    let is_plain =
        script.starts_with("s/") && !script.contains([';', '{', '?', '@', '%']) && script.matches('/').count() == 3;
    let is_for_lines = matches!(option.as_str(), "-pe" | "-ple" | "-lpe");
    let classes = script.replace("\\S", "[^ \t]").replace("\\s", "[ \t]").replace("\\d", "[0-9]");
    let known = !["\\w", "\\W", "\\D", "\\b", "\\B"].iter().any(|class| classes.contains(class));
    let parts = (1..=9).fold(classes, |text, number| text.replace(&format!("${number}"), &format!("\\{number}")));
    (is_for_lines && is_plain && known).then_some(parts)
}
