//! The rcN.d links of legacy scripts: which of them start, on which level, and which link says so.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::stages::Stage;

/// The levels whose start links enable a script: the boot itself, and every level of normal work.
pub(crate) const START_LEVELS: [char; 5] = ['S', '2', '3', '4', '5'];

/// One link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    /// `S`, `0` to `6`.
    pub(crate) level: char,
    /// `S` starts, `K` stops.
    pub(crate) starts: bool,
    /// The two digits.
    pub(crate) number: u8,
    /// Its path.
    pub(crate) path: String,
}

impl Link {
    /// When a boot follows it.
    pub(crate) fn stage(&self) -> Stage {
        if self.level == 'S' { Stage::Boot } else { Stage::Work }
    }
}

/// Every link of every script below this directory (`/etc` as a rule), by the script's name.
pub(crate) fn read(etc: &Path) -> BTreeMap<String, Vec<Link>> {
    let mut links: BTreeMap<String, Vec<Link>> = BTreeMap::new();
    for level in "S0123456".chars() {
        let usual = etc.join(format!("rc{level}.d"));
        let Ok(entries) = fs::read_dir(&usual).or_else(|_| fs::read_dir(etc.join(format!("rc.d/rc{level}.d")))) else {
            continue;
        };
        for entry in entries.flatten() {
            let file_name = entry.file_name();
            let Some((starts, number, name)) = file_name.to_str().and_then(parse) else { continue };
            let path = entry.path();
            // A link may be spelled unlike the script it leads to; the script counts.
            let target = fs::read_link(&path).ok();
            let name = target.as_deref().and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or(name);
            let link = Link { level, starts, number, path: path.to_string_lossy().into_owned() };
            links.entry(name.to_owned()).or_default().push(link);
        }
    }
    links
}

/// The parts of `S20web`.
fn parse(file_name: &str) -> Option<(bool, u8, &str)> {
    let starts = match file_name.as_bytes().first()? {
        b'S' => true,
        b'K' => false,
        _ => return None,
    };
    let digits = file_name.get(1..3).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    let name = file_name.get(3..).filter(|name| !name.is_empty())?;
    Some((starts, digits.parse().ok()?, name))
}

/// The links that enable a script, the one of the lowest level first.
pub(crate) fn enabling(links: &[Link]) -> impl Iterator<Item = &Link> {
    links.iter().filter(|link| link.starts && START_LEVELS.contains(&link.level))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_link_says_whether_and_when() {
        assert_eq!(parse("S20web"), Some((true, 20, "web")));
        assert_eq!(parse("K01x"), Some((false, 1, "x")));
        for odd in ["", "S", "S2", "S20", "S2xweb", "README", "s20web", "Sé0web"] {
            assert_eq!(parse(odd), None, "{odd}");
        }
    }

    #[test]
    fn links_are_found_on_every_level_under_the_name_of_their_script() {
        let etc = tempfile::tempdir().unwrap();
        for level in ["rcS.d", "rc2.d", "rc0.d"] {
            fs::create_dir(etc.path().join(level)).unwrap();
        }
        symlink("../init.d/web", etc.path().join("rc2.d/S20web")).unwrap();
        symlink("../init.d/web", etc.path().join("rc0.d/K80web")).unwrap();
        symlink("../init.d/networking", etc.path().join("rcS.d/S10net")).unwrap();
        fs::write(etc.path().join("rc2.d/README"), "").unwrap();
        let links = read(etc.path());
        assert_eq!(links.keys().collect::<Vec<_>>(), ["networking", "web"]);
        let enabling: Vec<_> = enabling(&links["web"]).map(|link| (link.level, link.number)).collect();
        assert_eq!(enabling, [('2', 20)]);
    }
}
