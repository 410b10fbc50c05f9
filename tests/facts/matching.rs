//! Recorded text against found text: `<P1>` stands for a process id, the same one each time.

use std::collections::BTreeMap;

/// Which process ids the placeholders of one step, or one sequence of steps, turned out to be.
#[derive(Debug, Default, Clone)]
pub(crate) struct Names(BTreeMap<String, String>);

impl Names {
    /// Forgets the id of the script itself, which is another in each step.
    pub(crate) fn next_step(&mut self) {
        self.0.remove("SELF");
    }

    /// Is this the recorded text, with an id in the place of each placeholder? Bound names stay bound.
    pub(crate) fn matches(&mut self, recorded: &str, found: &str) -> bool {
        let mut rest = found;
        let mut wanted = recorded;
        while let Some((literal, name, after)) = next_name(wanted) {
            let Some(behind) = rest.strip_prefix(literal) else { return false };
            let digits = behind.len() - behind.trim_start_matches(|each: char| each.is_ascii_digit()).len();
            if digits == 0 || !self.is(name, &behind[..digits]) {
                return false;
            }
            rest = &behind[digits..];
            wanted = after;
        }
        rest == wanted
    }

    fn is(&mut self, name: &str, id: &str) -> bool {
        if let Some(known) = self.0.get(name) {
            return known == id;
        }
        // Two names are two processes; the script's own id may be that of a process, too.
        if name != "SELF" && self.0.iter().any(|(other, known)| other != "SELF" && known == id) {
            return false;
        }
        self.0.insert(name.to_owned(), id.to_owned());
        true
    }
}

fn next_name(text: &str) -> Option<(&str, &str, &str)> {
    let mut from = 0;
    loop {
        let open = from + text[from..].find('<')?;
        let close = open + text[open..].find('>')?;
        let name = &text[open + 1..close];
        let numbered = name.strip_prefix('P').is_some_and(|number| number.parse::<u32>().is_ok());
        if numbered || name == "SELF" {
            return Some((&text[..open], name, &text[close + 1..]));
        }
        from = open + 1;
    }
}

/// The text without the line that is there only if a process still lives at the first look.
pub(crate) fn without_waiting(text: &str) -> String {
    let mut kept = String::new();
    for line in text.split_inclusive('\n') {
        match line.find("Waiting for PIDS: ") {
            Some(at) if line.ends_with(".\n") => kept.push_str(&line[..at]),
            _ => kept.push_str(line),
        }
    }
    kept
}

/// A daemon's report about itself, without what belongs to the machine.
pub(crate) fn report(text: &str) -> String {
    let mut kept = Vec::new();
    let group = text.lines().find_map(|line| line.strip_prefix("uid: ")).and_then(|line| line.split(' ').nth(2));
    for line in text.lines() {
        if let Some((before, groups)) = line.split_once(" groups:") {
            let mut groups: Vec<&str> = groups.split_whitespace().chain(group).collect();
            groups.sort_unstable();
            groups.dedup();
            kept.push(format!("{before} groups: {}", groups.join(" ")));
        } else {
            kept.push(line.to_owned());
        }
    }
    kept.join("\n")
}
