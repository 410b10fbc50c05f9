//! Login classes: what login.conf(5) says of the resources and the environment of a class.

use svc_core::service::Limit;

/// So many classes may stand for another before something is wrong.
const DEPTH_MAX: usize = 16;

/// What a class gives to a service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoginClass {
    /// Limits, by the names of svc.toml(5).
    pub limits: Vec<(&'static str, Limit)>,
    /// Permissions that files it makes do not get.
    pub umask: Option<u32>,
    /// Its nice value.
    pub priority: Option<i32>,
    /// What could not be read, as sentences.
    pub notes: Vec<String>,
}

/// The names of login.conf(5), what they count, and the names that they have in svc.toml(5).
const RESOURCES: [(&str, Count, &str); 15] = [
    ("coredumpsize", Count::Bytes, "core"),
    ("cputime", Count::Seconds, "cpu-time"),
    ("datasize", Count::Bytes, "data"),
    ("filesize", Count::Bytes, "file-size"),
    ("kqueues", Count::Things, "kqueues"),
    ("maxproc", Count::Things, "processes"),
    ("memorylocked", Count::Bytes, "locked-memory"),
    ("memoryuse", Count::Bytes, "resident-memory"),
    ("openfiles", Count::Things, "open-files"),
    ("pseudoterminals", Count::Things, "pseudo-terminals"),
    ("sbsize", Count::Bytes, "socket-buffers"),
    ("stacksize", Count::Bytes, "stack"),
    ("swapuse", Count::Bytes, "swap"),
    ("umtxp", Count::Things, "umtx"),
    ("vmemoryuse", Count::Bytes, "address-space"),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Count {
    Bytes,
    Seconds,
    Things,
}

/// Reads a class; one that is not there is `default`, as for every program that asks for it. `None`: neither is.
pub fn read(text: &str, class: &str) -> Option<LoginClass> {
    let records = records(text);
    let capabilities = gather(&records, class).or_else(|| gather(&records, "default"))?;
    let value = |name: &str| {
        let found = capabilities.iter().find(|one| name_of(one) == name)?;
        found.split_once(['=', '#']).map(|(_, value)| value)
    };
    let mut read = LoginClass::default();
    for (name, count, ours) in RESOURCES {
        let both = value(name);
        let mut one = |suffix: &str| {
            let text = value(&format!("{name}-{suffix}")).or(both)?;
            let number = number(text, count);
            if number.is_none() {
                read.notes.push(format!("login class {class}: `{name}={text}` is no limit that can be read"));
            }
            number
        };
        if let (Some(soft), Some(hard)) = (one("cur"), one("max")) {
            read.limits.push((ours, Limit { soft, hard }));
        }
    }
    read.umask = value("umask").and_then(|text| u32::from_str_radix(text, 8).ok()).filter(|mask| *mask <= 0o777);
    read.priority = value("priority").and_then(|text| text.parse().ok());
    Some(read)
}

/// Capabilities that become variables, where nobody has logged in whose they could be.
const VARIABLES: [(&str, &str); 5] =
    [("lang", "LANG"), ("charset", "MM_CHARSET"), ("mail", "MAIL"), ("timezone", "TZ"), ("term", "TERM")];

/// The variables that a class sets, the last word on each last.
///
/// Source: login.conf(5).
pub fn environment(text: &str, class: &str) -> Vec<(String, String)> {
    let records = records(text);
    let capabilities = gather(&records, class).or_else(|| gather(&records, "default")).unwrap_or_default();
    let value = |name: &str| {
        let found = capabilities.iter().find(|one| name_of(one) == name)?;
        found.split_once('=').map(|(_, value)| value)
    };
    let named = VARIABLES.into_iter().filter_map(|(name, variable)| Some((variable.to_owned(), plain(value(name)?))));
    let mut all: Vec<(String, String)> = named.collect();
    let mut rest = value("setenv").unwrap_or_default();
    while !rest.is_empty() {
        let is_end = |(at, found): &(usize, char)| *found == ',' && !rest[..*at].ends_with('\\');
        let end = rest.char_indices().find(is_end).map_or(rest.len(), |(at, _)| at);
        let pair = rest[..end].trim_start().split_once('=').filter(|(name, _)| !name.is_empty());
        all.extend(pair.map(|(name, value)| (name.to_owned(), plain(value))));
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    all
}

/// A value without its escapes: `\c` is the colon, which cannot stand there itself.
fn plain(value: &str) -> String {
    let mut out = String::new();
    let mut letters = value.chars();
    while let Some(letter) = letters.next() {
        out.extend(match letter {
            '\\' => letters.next().map(|escaped| if escaped == 'c' { ':' } else { escaped }),
            letter => Some(letter),
        });
    }
    out
}

/// Each record as its capabilities, the first of which are its names.
fn records(text: &str) -> Vec<Vec<String>> {
    let joined =
        text.lines().filter(|line| !line.trim_start().starts_with('#')).fold(String::new(), |mut all, line| {
            match line.strip_suffix('\\') {
                Some(part) => all.push_str(part.trim()),
                None => {
                    all.push_str(line.trim());
                    all.push('\n');
                }
            }
            all
        });
    let lines = joined.lines().filter(|line| !line.is_empty());
    lines
        .map(|line| line.split(':').map(str::trim).filter(|one| !one.is_empty()).map(str::to_owned).collect())
        .collect()
}

/// All capabilities of a class, its own before those of the classes that it stands on; `NAME@` takes one away.
fn gather(records: &[Vec<String>], class: &str) -> Option<Vec<String>> {
    let find = |name: &str| {
        records.iter().find(|record| record.first().is_some_and(|names| names.split('|').any(|one| one == name)))
    };
    let mut record = find(class)?;
    let mut all: Vec<String> = Vec::new();
    for _ in 0..DEPTH_MAX {
        for one in &record[1..] {
            let name = name_of(one);
            if name != "tc" && !all.iter().any(|known| name_of(known) == name) {
                all.push(one.clone());
            }
        }
        let next = record.iter().find_map(|one| one.strip_prefix("tc="));
        match next.and_then(find) {
            Some(below) => record = below,
            None => break,
        }
    }
    Some(all)
}

fn name_of(capability: &str) -> &str {
    capability.split(['=', '#', '@']).next().unwrap_or(capability)
}

/// A limit, where `None` is none; nothing for what cannot be read.
fn number(text: &str, count: Count) -> Option<Option<u64>> {
    if ["infinity", "inf", "unlimited", "unlimit", "-1"].iter().any(|word| text.eq_ignore_ascii_case(word)) {
        return Some(None);
    }
    let mut sum = 0_u64;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|found: char| found.is_ascii_digit()).len();
        let (number, after) = rest.split_at(digits);
        let unit = after.chars().next();
        let each = match (count, unit.map(|unit| unit.to_ascii_lowercase())) {
            (_, None) => 1,
            (Count::Bytes, Some('b')) => 512,
            (Count::Bytes, Some('k')) => 1 << 10,
            (Count::Bytes, Some('m')) => 1 << 20,
            (Count::Bytes, Some('g')) => 1 << 30,
            (Count::Bytes, Some('t')) => 1 << 40,
            (Count::Seconds, Some('s')) => 1,
            (Count::Seconds, Some('m')) => 60,
            (Count::Seconds, Some('h')) => 3600,
            (Count::Seconds, Some('d')) => 86_400,
            (Count::Seconds, Some('w')) => 604_800,
            (Count::Seconds, Some('y')) => 31_536_000,
            (Count::Bytes | Count::Seconds | Count::Things, Some(_)) => return None,
        };
        sum = sum.checked_add(number.parse::<u64>().ok()?.checked_mul(each)?)?;
        rest = after.get(unit.map_or(0, char::len_utf8)..)?;
    }
    (!text.is_empty()).then_some(Some(sum))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# what every class stands on\n\
        default:\\\n\t:copyright=/etc/COPYRIGHT:\\\n\t:cputime=unlimited:\\\n\t:memorylocked=64K:\\\n\
        \t:openfiles=unlimited:\\\n\t:maxproc=100:\\\n\t:priority=0:\\\n\t:umask=022:\n\n\
        standard|usual:\\\n\t:tc=default:\n\
        daemon:\\\n\t:memorylocked=128M:\\\n\t:maxproc@:\\\n\t:tc=default:\n\
        tight|A class for tests:\\\n\t:openfiles-cur=64:\\\n\t:openfiles-max#128:\\\n\t:cputime=1h30m:\\\n\
        \t:stacksize=1x:\\\n\t:umask=077:\\\n\t:priority=5:\\\n\t:tc=standard:\n\
        loop:\\\n\t:tc=loop:\n";

    fn limit(class: &str, name: &str) -> Option<(Option<u64>, Option<u64>)> {
        let class = read(TEXT, class).unwrap();
        class.limits.iter().find(|one| one.0 == name).map(|(_, limit)| (limit.soft, limit.hard))
    }

    #[test]
    fn a_class_has_its_own_values_and_those_of_what_it_stands_on() {
        let all = |number| Some((Some(number), Some(number)));
        assert_eq!(limit("daemon", "locked-memory"), all(128 << 20));
        assert_eq!(limit("usual", "locked-memory"), all(64 << 10));
        assert_eq!(limit("daemon", "open-files"), Some((None, None)));
        assert_eq!(limit("daemon", "processes"), None, "it is taken away");
        assert_eq!(limit("usual", "processes"), all(100));
        assert_eq!(limit("tight", "open-files"), Some((Some(64), Some(128))));
        assert_eq!(limit("tight", "cpu-time"), all(5400));
        let tight = read(TEXT, "tight").unwrap();
        assert_eq!((tight.umask, tight.priority), (Some(0o77), Some(5)));
        assert!(tight.notes[0].contains("stacksize=1x"), "{:?}", tight.notes);
    }

    #[test]
    fn a_class_that_is_not_there_is_the_default_and_a_circle_ends() {
        assert_eq!(read(TEXT, "nobody's"), read(TEXT, "default"));
        assert_eq!(read("", "daemon"), None);
        assert_eq!(read(TEXT, "loop"), Some(LoginClass::default()));
    }

    #[test]
    fn a_class_sets_variables_but_those_that_it_takes_away() {
        let text = "default:\\\n\t:setenv=BLOCKSIZE=K:\\\n\t:mail=/var/mail/$:\\\n\t:umask=022:\\\n\
            \t:charset=UTF-8:\\\n\t:lang=C.UTF-8:\ndaemon:\\\n\t:mail@:\\\n\t:tc=default:\n\
            odd:\\\n\t:setenv=A=x\\,y, B=x\\cy,=no,none,C=:\\\n\t:lang=de_DE.UTF-8:\\\n\t:tc=daemon:\n";
        let of = |class: &str| {
            let pairs = environment(text, class).into_iter().map(|(name, value)| format!("{name}={value}"));
            pairs.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(of("daemon"), "LANG=C.UTF-8 MM_CHARSET=UTF-8 BLOCKSIZE=K");
        assert_eq!(of("nobody's"), "LANG=C.UTF-8 MM_CHARSET=UTF-8 MAIL=/var/mail/$ BLOCKSIZE=K");
        assert_eq!(of("odd"), "LANG=de_DE.UTF-8 MM_CHARSET=UTF-8 A=x,y B=x:y C=");
        assert!(environment("", "daemon").is_empty());
    }

    #[test]
    fn numbers_have_the_units_of_what_they_count() {
        for (text, count, number_meant) in [
            ("512", Count::Bytes, Some(Some(512))),
            ("2b", Count::Bytes, Some(Some(1024))),
            ("1g512m", Count::Bytes, Some(Some(1536 << 20))),
            ("1w", Count::Seconds, Some(Some(604_800))),
            ("INFINITY", Count::Things, Some(None)),
            ("5k", Count::Things, None),
            ("k", Count::Bytes, None),
            ("", Count::Bytes, None),
            ("99999999999999999999", Count::Bytes, None),
        ] {
            assert_eq!(number(text, count), number_meant, "{text}");
        }
    }
}
