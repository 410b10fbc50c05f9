//! Rules about Rust files: length, width, first line, and words that are no use to anyone.

use crate::{File, files, none};

const LINES_MAX: usize = 500;
const COLUMNS_MAX: usize = 120;
const FUNCTION_LINES_MAX: usize = 70;

#[test]
fn every_rust_file_keeps_the_house_rules() {
    let mut faults = Vec::new();
    for file in files().iter().filter(|file| file.path.ends_with(".rs")) {
        let about = |fault: String| format!("{}: {fault}", file.path);
        faults.extend(shape(&file.text).into_iter().map(about));
        // The rules name what they ban.
        if !file.path.starts_with("tests/tidy/") {
            faults.extend(banned(file).into_iter().map(about));
        }
    }
    none(&faults);
}

#[test]
fn every_function_fits_a_screen() {
    let mut faults = Vec::new();
    for file in files().iter().filter(|file| file.path.ends_with(".rs")) {
        for (name, line, length) in functions(&bare(&file.text)) {
            if length > FUNCTION_LINES_MAX {
                faults.push(format!("{}:{line}: `{name}` has {length} lines", file.path));
            }
        }
    }
    none(&faults);
}

fn shape(text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if !text.starts_with("//! ") {
        faults.push("its first line is no `//!` that says what it is for".to_owned());
    }
    let lines = text.lines().count();
    if lines > LINES_MAX {
        faults.push(format!("{lines} lines, {LINES_MAX} are allowed"));
    }
    for (number, line) in text.lines().enumerate() {
        if line.chars().count() > COLUMNS_MAX {
            faults.push(format!("line {} is wider than {COLUMNS_MAX}", number + 1));
        }
    }
    faults
}

fn banned(file: &File) -> Vec<String> {
    let path = file.path.as_str();
    let code = bare(&file.text);
    let mut faults = Vec::new();
    let mut ban = |text: &str, word: &str, instead: &str| {
        if text.contains(word) {
            faults.push(format!("`{word}`: {instead}"));
        }
    };
    if !path.starts_with("platform/") {
        ban(&code, "unsafe {", "only platform/ may");
        ban(&code, "libc::", "only platform/ may");
    }
    if path != "platform/lib.rs" {
        ban(&code, "target_os", "the system is chosen in platform/lib.rs");
    }
    if path.starts_with("src/core/") {
        ban(&code, "HashMap", "its order is random; take a BTreeMap");
        ban(&code, "HashSet", "its order is random; take a BTreeSet");
    }
    for word in ["#[ignore", "#[should_panic", "allow(dead_code", "expect(dead_code", "allow(unused"] {
        ban(&code, word, "say what is meant instead");
    }
    for word in ["dbg!(", "todo!(", "unimplemented!("] {
        ban(&code, word, "left over");
    }
    for word in ["TODO", "FIXME", "XXX", "HACK"] {
        ban(&file.text, word, "do it or file it");
    }
    for banner in ["// ---", "// ===", "// ***", "////"] {
        ban(&file.text, banner, "no section banners");
    }
    ban(tests_of(path, &code), "thread::sleep", "wait for a fact with a deadline");
    faults
}

/// The part of a file that is only compiled for tests.
fn tests_of<'a>(path: &str, code: &'a str) -> &'a str {
    if path.starts_with("tests/") || path.contains("/tests/") || path.ends_with("tests.rs") {
        return code;
    }
    code.find("#[cfg(test)]").map_or("", |at| &code[at..])
}

/// The code with everything inside comments, strings and characters blanked out; lines stay where they are.
fn bare(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(found) = rest.chars().next() {
        let before = code.chars().next_back();
        let skipped = skipped(rest, before);
        if skipped == 0 {
            code.push(found);
            rest = &rest[found.len_utf8()..];
            continue;
        }
        code.extend(rest[..skipped].chars().map(|hidden| if hidden == '\n' { '\n' } else { ' ' }));
        rest = &rest[skipped..];
    }
    code
}

/// How many bytes from here on are a comment or a literal.
fn skipped(rest: &str, before: Option<char>) -> usize {
    let in_word = before.is_some_and(|before| before.is_alphanumeric() || before == '_');
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return rest.find("*/").map_or(rest.len(), |end| end + 2);
    }
    if let Some(raw) = rest.strip_prefix('r').filter(|_| !in_word || before == Some('b')) {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if raw[hashes..].starts_with('"') {
            let close = format!("\"{}", "#".repeat(hashes));
            let start = 1 + hashes + 1;
            return rest[start..].find(&close).map_or(rest.len(), |end| start + end + close.len());
        }
    }
    match rest.chars().next() {
        Some('"') => quoted(rest, '"'),
        Some('\'') => {
            let mut inside = rest[1..].chars();
            let (first, second) = (inside.next(), inside.next());
            // Otherwise it is a lifetime.
            if first == Some('\\') || second == Some('\'') { quoted(rest, '\'') } else { 0 }
        }
        _ => 0,
    }
}

fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, found) in rest.char_indices().skip(1) {
        match found {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if found == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// Name, first line and number of lines of each function.
fn functions(code: &str) -> Vec<(String, usize, usize)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        let starts_a_word = !code[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_');
        let name: String = code[at + 3..].chars().take_while(|next| next.is_alphanumeric() || *next == '_').collect();
        if !starts_a_word || name.is_empty() {
            continue;
        }
        if let Some(length) = body_end(&code[at..]) {
            let lines = code[at..at + length].lines().count();
            found.push((name, code[..at].lines().count().max(1), lines));
        }
    }
    found
}

/// Where the body of the function that begins here ends; nothing for a declaration.
fn body_end(code: &str) -> Option<usize> {
    let mut round = 0_i32;
    let mut curly = 0_i32;
    for (at, found) in code.char_indices() {
        match found {
            '(' | '[' => round += 1,
            ')' | ']' => round -= 1,
            ';' if round == 0 && curly == 0 => return None,
            '{' => curly += 1,
            '}' => {
                curly -= 1;
                if curly == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

#[test]
fn the_rules_see_code_and_nothing_else() {
    let text = "let a = \"unsafe {\"; // libc::\nlet b = r#\"x\" libc:: \"#; let c = '\\''; fn f<'a>() { '\"'; }\n";
    let code = bare(text);
    assert!(!code.contains("unsafe") && !code.contains("libc"), "{code}");
    assert!(code.contains("fn f<'a>() {") && code.lines().count() == 2, "{code}");
    assert_eq!(functions(&code), [("f".to_owned(), 2, 1)]);
    let long = format!("fn long() {{\n{}}}\nfn none();\n", "x();\n".repeat(80));
    assert_eq!(functions(&bare(&long)), [("long".to_owned(), 1, 82)]);
}

#[test]
fn a_file_that_breaks_the_rules_is_found() {
    let bad = File {
        path: "src/cli/bad.rs".into(),
        text: "fn f() { unsafe { libc::getpid() } }\n#[cfg(test)]\nmod tests { fn g() { thread::sleep(x) } }\n".into(),
    };
    assert_eq!(banned(&bad).len(), 3, "{:?}", banned(&bad));
    assert_eq!(shape(&bad.text).len(), 1);
}
