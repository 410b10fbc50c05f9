//! A setting among the words of a command that sends a daemon into the background: `foreground=0`.

/// What is called so keeps it in the foreground.
const STAYS: [&str; 3] = ["foreground", "nodaemon", "nofork"];
/// What is called so sends it away.
const GOES: [&str; 4] = ["daemon", "daemonize", "daemonise", "background"];
/// Off and on, as pairs.
const VALUES: [(&str, &str); 4] = [("0", "1"), ("no", "yes"), ("false", "true"), ("off", "on")];

/// Whether a word is such a setting, whatever it says.
pub fn is_switch(word: &str) -> bool {
    let Some((name, value)) = parts(word) else { return false };
    (STAYS.contains(&name.as_str()) || GOES.contains(&name.as_str()))
        && VALUES.iter().any(|(off, on)| value == *off || value == *on)
}

/// The first word of a command that sends the daemon away, and the one that keeps it.
pub(super) fn staying(command: &[String]) -> Option<(usize, String)> {
    command.iter().enumerate().skip(1).find_map(|(at, word)| {
        let (name, value) = parts(word)?;
        let other = match (STAYS.contains(&name.as_str()), GOES.contains(&name.as_str())) {
            (true, _) => VALUES.iter().find(|(off, _)| value == *off)?.1,
            (_, true) => VALUES.iter().find(|(_, on)| value == *on)?.0,
            (false, false) => return None,
        };
        Some((at, format!("{}={other}", word.split('=').next()?)))
    })
}

/// The name in small letters without what joins its words, and the value; options are something else.
fn parts(word: &str) -> Option<(String, String)> {
    let (name, value) = word.split_once('=').filter(|(name, _)| !name.starts_with('-'))?;
    Some((name.to_ascii_lowercase().replace(['-', '_'], ""), value.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_that_sends_it_away_is_turned_round() {
        let staying = |command: &str| {
            let command: Vec<String> = command.split(' ').map(String::from).collect();
            staying(&command)
        };
        assert_eq!(staying("webd -c x foreground=0 port=1"), Some((3, "foreground=1".into())));
        assert_eq!(staying("webd No_Fork=off"), Some((1, "No_Fork=on".into())));
        assert_eq!(staying("webd daemonize=yes"), Some((1, "daemonize=no".into())));
        for other in ["webd foreground=1", "webd daemon=no", "webd color=0", "webd --foreground=0", "foreground=0 x"] {
            assert_eq!(staying(other), None, "{other}");
        }
        assert!(is_switch("ForeGround=1") && is_switch("daemon=no") && !is_switch("daemon=web") && !is_switch("a=1"));
    }
}
