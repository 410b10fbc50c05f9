//! `rcorder`: rc.d scripts in order, as FreeBSD's rcorder(8) prints it.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use svc_compat::order::rcorder::{File, Format, Options, rcorder};
use svc_platform::files;

/// A script longer than this is not read; the header is at its start.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

pub(super) fn run(words: &[String]) -> ExitCode {
    let (options, names) = read(words);
    let mut texts = Vec::new();
    for name in names {
        match files::read_regular(Path::new(name), FILE_BYTES_MAX) {
            Ok(text) => texts.push((name, text)),
            // The original passes over what is no file without a word.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {}
            Err(error) => {
                let text = error.to_string();
                let text = text.strip_prefix(&format!("{name}: ")).unwrap_or(&text);
                let why = text.split(" (os error").next().unwrap_or(text);
                eprintln!("rcorder: could not open {name}: {why}");
            }
        }
    }
    let given: Vec<File<'_>> = texts.iter().map(|(name, text)| File { name: name.as_bytes(), text }).collect();
    let answer = rcorder(&given, &options);
    let mut stderr = io::stderr().lock();
    for message in &answer.messages {
        // Nobody is left to be told if the stream is gone.
        let _ = stderr.write_all(&[b"rcorder: ", message.as_slice(), b"\n"].concat());
    }
    let _ = io::stdout().write_all(&answer.stdout);
    ExitCode::from(u8::try_from(answer.exit).unwrap_or(1))
}

/// What it does not know it says, and goes on.
fn read(words: &[String]) -> (Options, &[String]) {
    let mut options = Options::default();
    let mut rest = words;
    while let Some((word, after)) = rest.split_first().filter(|(word, _)| word.len() > 1 && word.starts_with('-')) {
        rest = after;
        if word == "--" {
            break;
        }
        for (at, letter) in word.char_indices().skip(1) {
            match letter {
                'g' => options.format = Format::Dot,
                'p' if options.format == Format::Lines => options.format = Format::Parallel,
                'p' => {}
                'k' | 's' => {
                    let joined = &word[at + 1..];
                    let given = if joined.is_empty() { rest.split_first() } else { None };
                    if let Some((_, after)) = given {
                        rest = after;
                    }
                    match given.map(|(next, _)| next.clone()).or((!joined.is_empty()).then(|| joined.to_owned())) {
                        Some(keyword) if letter == 'k' => options.keep.push(keyword),
                        Some(keyword) => options.skip.push(keyword),
                        None => eprintln!("rcorder: option requires an argument -- {letter}"),
                    }
                    break;
                }
                _ => eprintln!("rcorder: illegal option -- {letter}"),
            }
        }
    }
    (options, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_stand_behind_their_letter_or_in_the_next_word() {
        let words = ["-p", "-knojail", "-s", "nostart", "a", "-b"].map(str::to_owned);
        let (options, names) = read(&words);
        assert_eq!((options.keep, options.skip), (vec!["nojail".to_owned()], vec!["nostart".to_owned()]));
        assert_eq!((options.format, names), (Format::Parallel, &["a".to_owned(), "-b".to_owned()][..]));
    }
}
