//! Legacy scripts and their links change and nobody tells us: a package brings a script, a command makes links. Whoever
//! asks for a service next is served by what is there then.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::Manager;
use crate::daemon::options::Options;

/// File systems keep times no finer than a tick of the kernel: what changed this short before it was read may have
/// changed again without another time.
const TICK: Duration = Duration::from_millis(20);

/// Directories of links, beside the one of scripts.
const LEVELS: [&str; 8] = ["rcS.d", "rc0.d", "rc1.d", "rc2.d", "rc3.d", "rc4.d", "rc5.d", "rc6.d"];
/// What says which rc.d scripts are enabled.
const SETTINGS: [&str; 4] = ["etc/defaults/rc.conf", "etc/rc.conf", "etc/rc.conf.local", "etc/rc.conf.d"];

/// How everything looked when it was last read; before that nothing is known, and nothing is stale.
#[derive(Debug, Default)]
pub(super) struct Seen(Vec<(PathBuf, Look)>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    Absent,
    At(SystemTime),
    /// It may have changed since.
    Unsure,
}

impl Manager {
    /// To be called before it is read.
    pub(super) fn note_looks(&mut self) {
        let now = SystemTime::now();
        let places = places(&self.options);
        let looks = places.into_iter().map(|path| {
            let look = match look(&path) {
                Look::At(time) if now.duration_since(time).is_ok_and(|age| age < TICK) => Look::Unsure,
                other => other,
            };
            (path, look)
        });
        self.seen = Seen(looks.collect());
    }

    /// Whether something looks another way than when it was last read.
    pub(super) fn is_stale(&self) -> bool {
        self.seen.0.iter().any(|(path, seen)| *seen == Look::Unsure || look(path) != *seen)
    }
}

fn places(options: &Options) -> Vec<PathBuf> {
    let mut places = Vec::new();
    for scripts in &options.legacy {
        let links = Options::links_of(scripts);
        places.push(scripts.clone());
        places.push(links.join("rc.conf.d"));
        places.extend(LEVELS.iter().map(|level| links.join(level)));
    }
    if !places.is_empty() {
        places.extend(SETTINGS.iter().map(|path| options.root.join(path)));
    }
    places.sort();
    places.dedup();
    places
}

fn look(path: &PathBuf) -> Look {
    fs::metadata(path).and_then(|found| found.modified()).map_or(Look::Absent, Look::At)
}
