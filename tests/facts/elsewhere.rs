//! Recorded text as it is to be found on another system: other shells, other limits.

/// What a shell says of itself, without the words in which shells differ: `FILE: LINE:` of dash, `eval:` of FreeBSD's.
pub(crate) fn without_shell(text: &str) -> String {
    let mut kept = String::new();
    for line in text.split_inclusive('\n') {
        let plain = without_line_number(line);
        let plain = plain.strip_prefix("eval: ").unwrap_or(plain);
        // Whether the file is named before it, too.
        let missing = plain.strip_suffix(": not found\n").and_then(|before| before.rsplit(": ").next());
        match missing {
            Some(command) => kept.extend([command, ": not found\n"]),
            None => kept.push_str(plain),
        }
    }
    kept
}

fn without_line_number(line: &str) -> &str {
    let mut parts = line.splitn(3, ": ");
    match (parts.next(), parts.next(), parts.next()) {
        (Some(file), Some(number), Some(rest)) if number.parse::<u32>().is_ok() && !file.contains(' ') => rest,
        (Some("sh"), Some(_), _) => &line[4..],
        _ => line,
    }
}

/// How many descriptors a process may have where the facts were recorded, and in the sandbox.
const DESCRIPTORS: (&str, &str) = ("21699", "4097");

/// Recorded text, as it is to be found here.
pub(crate) fn here(recorded: &str) -> String {
    recorded.replace(DESCRIPTORS.0, DESCRIPTORS.1)
}
