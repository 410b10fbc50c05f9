//! Programs that run another: what they say of it, one round after the other, until the program itself is left.

use svc_compat::text::base_name;

use super::call::{Words, owner};
use super::report::{By, Launch};

/// So many wrappers may lie round a program.
const ROUNDS_MAX: usize = 8;

/// A launch whose first word runs another program, with what is left and all that was said on the way; `None` where
/// the first word runs nothing else.
pub(super) fn peel(call: &[String]) -> Option<(By, Launch)> {
    let by = by(call.first()?)?;
    let mut launch = Launch { argv: call.to_vec(), ..Launch::default() };
    unwrap(&mut launch);
    // Without words it runs nothing.
    (launch.argv != call).then_some((by, launch))
}

/// Takes every wrapper off the words of a launch, and names its program.
pub(super) fn unwrap(launch: &mut Launch) {
    for _ in 0..ROUNDS_MAX {
        let words = launch.argv.clone();
        let Some((name, words)) = words.split_first() else { break };
        let Some(inner) = inner(base_name(name), words, launch) else { break };
        if inner.is_empty() {
            break;
        }
        launch.argv = inner;
        launch.program.clear();
    }
    if launch.program.is_empty() {
        launch.program = launch.argv.first().cloned().unwrap_or_default();
    }
}

fn by(name: &str) -> Option<By> {
    match base_name(name) {
        "su" => Some(By::Su),
        "runuser" => Some(By::Runuser),
        "chpst" | "softlimit" | "setuidgid" | "envuidgid" => Some(By::Chpst),
        "setsid" => Some(By::Setsid),
        "nohup" => Some(By::Nohup),
        _ => None,
    }
}

/// The words of the program inside, with what this wrapper says of it noted; `None` where it is no wrapper.
fn inner(name: &str, words: &[String], launch: &mut Launch) -> Option<Vec<String>> {
    match name {
        "nohup" => Some(plain(words, "").operands),
        "setsid" => {
            launch.background = true;
            Some(plain(words, "").operands)
        }
        "nice" => {
            let (mut read, mut nice) = (Words::new(words, "n", &[("adjustment", 'n')], true), 10);
            while let Some((option, value)) = read.next() {
                nice = if option == 'n' { value.parse().unwrap_or(nice) } else { nice };
            }
            launch.nice = Some(nice);
            Some(read.operands)
        }
        "ionice" | "chrt" => {
            let read = plain(words, if name == "ionice" { "cnpPu" } else { "TPD" });
            let own = words.len() - read.operands.len();
            // chrt takes a number before the program.
            let numbers = usize::from(name == "chrt");
            launch.scheduling = Some(format!("{name} {}", words[..(own + numbers).min(words.len())].join(" ")));
            Some(read.operands.into_iter().skip(numbers).collect())
        }
        "env" => Some(environment(words, launch)),
        "su" | "runuser" => Some(become_user(name, words, launch)),
        "chpst" => Some(chpst(words, launch)),
        "setuidgid" | "envuidgid" => {
            (launch.user, _) = owner(words.first()?);
            Some(words[1..].to_vec())
        }
        "setpriv" => {
            let read = Words::new(words, "", &[], true);
            Some(privileges(read, launch))
        }
        "chroot" => {
            let mut read = Words::new(words, "ugG", &[("userspec", 'u'), ("groups", 'G')], true);
            while let Some((option, value)) = read.next() {
                match option {
                    'u' => (launch.user, launch.group) = owner(&value),
                    'G' => launch.groups = value.split(',').map(str::to_owned).collect(),
                    _ => {}
                }
            }
            launch.chroot = read.operands.first().cloned();
            Some(read.operands.into_iter().skip(1).collect())
        }
        "exec" => Some(words.to_vec()),
        _ => None,
    }
}

/// Options passed over, up to the program.
fn plain<'a>(words: &'a [String], valued: &'static str) -> Words<'a> {
    let mut read = Words::new(words, valued, &[], true);
    while read.next().is_some() {}
    read
}

fn environment(words: &[String], launch: &mut Launch) -> Vec<String> {
    let mut read = Words::new(words, "uC", &[("unset", 'u'), ("chdir", 'C'), ("ignore-environment", 'i')], true);
    while let Some((option, value)) = read.next() {
        match option {
            'u' => drop(launch.environment.insert(value, None)),
            'C' => launch.directory = Some(value),
            _ => {}
        }
    }
    let mut rest = read.operands.into_iter().peekable();
    while let Some((name, value)) = rest.peek().and_then(|word| word.split_once('=')) {
        launch.environment.insert(name.to_owned(), Some(value.to_owned()));
        rest.next();
    }
    rest.collect()
}

/// su(1) and runuser(1): `-u USER -- program` or `[-] USER -c "words of a shell"`.
fn become_user(name: &str, words: &[String], launch: &mut Launch) -> Vec<String> {
    const LONG: &[(&str, char)] = &[
        ("command", 'c'),
        ("session-command", 'c'),
        ("shell", 's'),
        ("user", 'u'),
        ("group", 'g'),
        ("supp-group", 'G'),
        ("whitelist-environment", 'w'),
        ("login", 'l'),
        ("preserve-environment", 'm'),
    ];
    let (mut command, mut shell, mut user) = (None, None, None);
    // With -u the first operand is the program, and what follows belongs to it.
    let direct = name == "runuser"
        && words.iter().take_while(|word| *word != "--").any(|word| word == "-u" || word.starts_with("--user"));
    let mut read = Words::new(words, "csugGw", LONG, direct);
    while let Some((option, value)) = read.next() {
        match option {
            'c' => command = Some(value),
            's' => shell = Some(value),
            'u' => user = Some(value),
            'g' => launch.group = Some(value),
            'G' => launch.groups.push(value),
            _ => {}
        }
    }
    if let Some(user) = user {
        launch.user = Some(user);
        return read.operands;
    }
    let mut operands = read.operands.into_iter().filter(|word| word != "-");
    launch.user = Some(operands.next().unwrap_or_else(|| "root".into()));
    let rest: Vec<String> = operands.collect();
    match command {
        Some(command) => shell_words(&command),
        // `su user -- -c ...` hands its words to the shell.
        None => match rest.split_first() {
            Some((flag, words)) if flag == "-c" => words.first().map_or(Vec::new(), |words| shell_words(words)),
            _ => std::iter::once(shell.unwrap_or_else(|| "/bin/sh".into())).chain(rest).collect(),
        },
    }
}

fn chpst(words: &[String], launch: &mut Launch) -> Vec<String> {
    let mut read = Words::new(words, "uUbe/CnlLmdopfcrt", &[], true);
    while let Some((option, value)) = read.next() {
        let mut limit = |name: &str| {
            let most = value.parse().ok();
            launch.limits.insert(name.to_owned(), super::report::Limit { soft: most, hard: most });
        };
        match option {
            'u' => (launch.user, launch.group) = owner(value.trim_start_matches(':')),
            '/' => launch.chroot = Some(value),
            'C' => launch.directory = Some(value),
            'n' => launch.nice = value.parse().ok(),
            'm' => limit("address-space"),
            'd' => limit("data"),
            'o' => limit("open-files"),
            'p' => limit("processes"),
            'f' => limit("file-size"),
            'c' => limit("core"),
            _ => {}
        }
    }
    read.operands
}

fn privileges(mut read: Words<'_>, launch: &mut Launch) -> Vec<String> {
    while let Some((_, word)) = read.next() {
        match word.split_once('=') {
            Some(("reuid", user)) => launch.user = Some(user.to_owned()),
            Some(("regid", group)) => launch.group = Some(group.to_owned()),
            Some(("groups", groups)) => launch.groups = groups.split(',').map(str::to_owned).collect(),
            _ => {}
        }
    }
    read.operands
}

/// The words of a simple command as a shell would split them; anything more stays a shell's.
pub(super) fn shell_words(text: &str) -> Vec<String> {
    let trimmed = text.trim().trim_end_matches('&').trim_end();
    let trimmed = trimmed.strip_prefix("exec ").unwrap_or(trimmed).trim_start();
    split(trimmed).unwrap_or_else(|| vec!["/bin/sh".into(), "-c".into(), text.to_owned()])
}

fn split(text: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(open), letter) if letter == open => quote = None,
            (Some('"'), '$' | '`')
            | (None, '$' | '`' | '|' | '&' | ';' | '<' | '>' | '(' | ')' | '*' | '?' | '[' | '~' | '\n') => {
                return None;
            }
            (Some('"') | None, '\\') => word.get_or_insert_default().push(letters.next()?),
            (Some(_), letter) => word.get_or_insert_default().push(letter),
            (None, '"' | '\'') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None, ' ' | '\t') => words.extend(word.take()),
            (None, letter) => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    // `A=1 program` is the shell's to understand.
    let plain = quote.is_none() && words.first().is_some_and(|first| !first.contains('='));
    plain.then_some(words)
}
