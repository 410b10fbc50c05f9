//! ttys(5): which terminals have a program that lets people log in.

use super::text::decode;

/// One line of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terminal {
    /// The number of its line.
    pub line: usize,
    /// The terminal's name below `/dev`.
    pub name: String,
    /// The program and its first arguments; the terminal's name comes after them.
    pub command: Vec<String>,
    /// What `TERM` is to be.
    pub kind: String,
    /// Whether it is in use.
    pub when: When,
}

/// When a terminal is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Never, for now.
    Off,
    /// Always.
    On,
    /// If there is such a terminal.
    IfThere,
    /// If the kernel's messages go there.
    IfConsole,
}

/// Every terminal with a program, in the order of the file; of two lines for one terminal the last counts.
///
/// Source: ttys(5).
pub fn read(text: &[u8]) -> Vec<Terminal> {
    let mut out: Vec<Terminal> = Vec::new();
    for (number, line) in decode(text).lines().enumerate() {
        let words = words(line);
        let [name, command, kind, flags @ ..] = words.as_slice() else { continue };
        let command: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
        let safe = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte));
        if command.is_empty() || command[0] == "none" || !safe || name.contains("..") {
            continue;
        }
        let mut when = When::Off;
        for flag in flags {
            when = match flag.as_str() {
                "on" => When::On,
                "off" => When::Off,
                "onifexists" => When::IfThere,
                "onifconsole" => When::IfConsole,
                _ => when,
            };
        }
        let terminal = Terminal { line: number + 1, name: name.clone(), command, kind: kind.clone(), when };
        match out.iter_mut().find(|known| known.name == terminal.name) {
            Some(known) => *known = terminal,
            None => out.push(terminal),
        }
    }
    out
}

/// The words of a line: blanks part them but within double quotes, and a `#` ends the line.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => {
                quoted = !quoted;
                word.get_or_insert_with(String::new);
            }
            '#' if !quoted => break,
            ' ' | '\t' if !quoted => words.extend(word.take()),
            c => word.get_or_insert_with(String::new).push(c),
        }
    }
    words.extend(word);
    words
}

/// Whether the console is marked as one to which only trusted people come: without a password nobody gets a shell on
/// another. Without a line for it, it is not.
///
/// Source: ttys(5), init(8).
pub fn has_safe_console(text: &[u8]) -> bool {
    let text = decode(text);
    let mut lines = text.lines().map(words);
    let console = lines.rfind(|words| words.first().is_some_and(|name| name == "console"));
    let words = console.unwrap_or_default();
    let mut flags = words.get(3..).unwrap_or_default().iter();
    flags.rfind(|flag| ["secure", "insecure"].contains(&flag.as_str())).is_some_and(|flag| flag == "secure")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_names_a_terminal_its_program_and_when_it_is_used() {
        let text = b"# name getty type status\n\
            console\tnone\t\t\tunknown\toff secure\n\
            ttyv0\t\"/usr/libexec/getty Pc\"\t\txterm\tonifexists secure # first\n\
            ttyv8\t\"/usr/local/bin/xdm -nodaemon\"\txterm\toff secure\n\
            ttyu0\t\"/usr/libexec/getty 3wire\"\tvt100\tonifconsole secure\n\
            ttyu1 /usr/libexec/getty dialup on\n\
            ../x /bin/sh y on\nshort line\n\n";
        let found: Vec<String> = read(text)
            .into_iter()
            .map(|one| format!("{} {} {} {} {:?}", one.line, one.name, one.command.join("+"), one.kind, one.when))
            .collect();
        assert_eq!(
            found,
            [
                "3 ttyv0 /usr/libexec/getty+Pc xterm IfThere",
                "4 ttyv8 /usr/local/bin/xdm+-nodaemon xterm Off",
                "5 ttyu0 /usr/libexec/getty+3wire vt100 IfConsole",
                "6 ttyu1 /usr/libexec/getty dialup On",
            ]
        );
    }

    #[test]
    fn the_last_line_for_a_terminal_counts() {
        let found = read(b"a /x t on\nb /x t on\na /y t off\n");
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].command.clone(), found[0].when, found[0].line), (vec!["/y".into()], When::Off, 3));
    }

    #[test]
    fn a_console_is_safe_only_where_its_line_says_so() {
        for (text, safe) in [
            ("console none unknown off secure\n", true),
            ("console none unknown off insecure\n", false),
            ("#console none unknown off secure\n", false),
            ("console none unknown off secure\nconsole none unknown off insecure # later\n", false),
            ("ttyv0 none xterm on secure\n", false),
            ("console \"secure thing\" unknown off\n", false),
        ] {
            assert_eq!(has_safe_console(text.as_bytes()), safe, "{text}");
        }
    }
}
