//! Where things are and how the daemon behaves: `svcd`'s command line, and what is understood without it.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{ArgAction, Parser};
use svc_platform::host;

/// The command line of `svcd`.
#[derive(Clone, Debug, Default, Parser)]
#[command(name = "svcd", version, about = "Runs and watches services", max_term_width = 100)]
pub struct Arguments {
    /// Take every path as below this directory
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// Where sockets and the run journal are
    #[arg(long, value_name = "DIR")]
    pub runtime_dir: Option<PathBuf>,
    /// Where the output of services goes
    #[arg(long, value_name = "DIR")]
    pub log_dir: Option<PathBuf>,
    /// Read definitions here instead of the usual places; may be repeated, the first has the last word
    #[arg(long, value_name = "DIR")]
    pub definitions: Vec<PathBuf>,
    /// Read legacy scripts here instead of the usual places; may be repeated
    #[arg(long, value_name = "DIR", conflicts_with = "no_legacy")]
    pub legacy: Vec<PathBuf>,
    /// Read no legacy scripts
    #[arg(long)]
    pub no_legacy: bool,
    /// The control socket
    #[arg(long, value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// A name that tells several daemons of one machine apart
    #[arg(long, value_name = "NAME")]
    pub instance: Option<String>,
    /// Start what is enabled; as process 1 this is the default
    #[arg(long, overrides_with = "no_boot")]
    pub boot: bool,
    /// Start nothing that nobody asks for
    #[arg(long)]
    pub no_boot: bool,
    /// Track processes without cgroups
    #[arg(long)]
    pub no_cgroup: bool,
    /// Start every service that is not disabled, enabled or not
    #[arg(long)]
    pub all: bool,
    /// Instances to be read beside what has files of its own
    #[arg(value_name = "NAME", hide = true)]
    pub names: Vec<String>,
    /// Process 1 is this daemon's keeper
    #[arg(long, hide = true)]
    pub first: bool,
    /// The machine was in single-user mode before
    #[arg(long, hide = true)]
    pub again: bool,
    /// A keeper begins in the middle of an end: what comes after it, and who asked for it
    #[arg(long, value_name = "END", hide = true)]
    pub ends: Option<String>,
    /// Which of the daemon's processes this is
    #[arg(long, value_name = "ROLE", hide = true, action = ArgAction::Set)]
    pub role: Option<String>,
    /// As process 1: single-user mode comes before the first boot
    #[arg(skip)]
    pub single: bool,
}

impl Arguments {
    /// The words with which a kernel starts its process 1, of which the machine would not outlive the end: what they
    /// cannot mean is given back to be said, and none of them counts then but those of init(8).
    ///
    /// Source: init(8) of FreeBSD.
    pub fn of_init(words: impl IntoIterator<Item = OsString>) -> (Self, Option<String>) {
        let (flags, words): (Vec<_>, Vec<_>) = words.into_iter().partition(|word| word == "-s" || word == "-f");
        let (mut arguments, fault) = match Self::try_parse_from(words) {
            Ok(arguments) => (arguments, None),
            Err(error) => (Self::default(), error.to_string().lines().next().map(str::to_owned)),
        };
        arguments.single = flags.iter().any(|flag| flag == "-s");
        arguments.again |= flags.iter().any(|flag| flag == "-f");
        (arguments, fault)
    }
}

/// Everything about one daemon that does not change while it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Below this everything is looked for; `/` as a rule.
    pub root: PathBuf,
    /// Sockets, journal.
    pub runtime: PathBuf,
    /// Directories of services that live as long as the machine is up: beside the usual runtime directory, or in one
    /// that was given, so that two daemons do not meet.
    pub volatile: PathBuf,
    /// One directory for each service.
    pub logs: PathBuf,
    /// What outlives a boot: older versions of configuration.
    pub state: PathBuf,
    /// Definitions; the first that has one wins.
    pub definitions: Vec<PathBuf>,
    /// Legacy scripts; the first that has one wins.
    pub legacy: Vec<PathBuf>,
    /// The control socket.
    pub socket: PathBuf,
    /// The name of this daemon among others.
    pub instance: String,
    /// Start what is enabled.
    pub boot: bool,
    /// Track trees by cgroups where there are any.
    pub cgroups: bool,
    /// At the first load start everything that is not disabled.
    pub all: bool,
    /// The keeper is process 1.
    pub first: bool,
    /// The machine boots once more, after it was in single-user mode.
    pub again: bool,
    /// Single-user mode comes before the first boot.
    pub single: bool,
    /// Everything was being stopped when the keeper before was killed; as the link between keeper and manager writes
    /// it. It is the keeper's alone.
    pub ends: Option<String>,
}

impl Options {
    /// What this command line means for this user.
    pub fn new(arguments: &Arguments, is_root: bool, is_first: bool) -> Self {
        let root = arguments.root.clone().map_or_else(|| PathBuf::from("/"), absolute);
        let home = if is_root { Home::machine(&root) } else { Home::user(&root) };
        let runtime = arguments.runtime_dir.clone().map_or_else(|| home.runtime.clone(), absolute);
        let volatile = match home.runtime.parent() {
            Some(usual) if runtime == home.runtime => usual.to_owned(),
            Some(_) | None => runtime.join("volatile"),
        };
        let default_socket = || match env::var_os("SVC_SOCKET").filter(|_| arguments.runtime_dir.is_none()) {
            Some(path) => absolute(PathBuf::from(path)),
            None => runtime.join("control"),
        };
        let or = |given: &[PathBuf], usual: Vec<PathBuf>| match given {
            [] => usual,
            some => some.iter().cloned().map(absolute).collect(),
        };
        Self {
            logs: arguments.log_dir.clone().map_or(home.logs, absolute),
            state: home.state,
            definitions: or(&arguments.definitions, home.definitions),
            legacy: if arguments.no_legacy { Vec::new() } else { or(&arguments.legacy, home.legacy) },
            socket: arguments.socket.clone().map_or_else(default_socket, absolute),
            instance: arguments.instance.clone().unwrap_or_else(|| instance_of(&runtime)),
            boot: arguments.boot || (is_first && !arguments.no_boot),
            cgroups: !arguments.no_cgroup,
            all: arguments.all,
            first: arguments.first || is_first,
            again: arguments.again,
            single: arguments.single,
            ends: arguments.ends.clone(),
            root,
            runtime,
            volatile,
        }
    }

    /// What belongs to a machine that is looked at from outside. Below another root than `/` that may be one of another
    /// system: what is at the places of any system counts there.
    pub fn from_outside(root: &Path) -> Self {
        let arguments = Arguments { root: Some(root.to_owned()), ..Arguments::default() };
        // Whoever asks, the machine is meant.
        let mut options = Self::new(&arguments, true, false);
        if options.root != Path::new("/") {
            let add = |list: &mut Vec<PathBuf>, places: &[&str]| {
                let places = places.iter().map(|place| options.root.join(place));
                let more: Vec<PathBuf> = places.filter(|place| !list.contains(place) && place.is_dir()).collect();
                list.extend(more);
            };
            add(&mut options.legacy, &SCRIPTS);
            add(&mut options.definitions, &DEFINITIONS);
        }
        options
    }

    /// A command line that means just this, whatever the environment.
    pub fn arguments(&self) -> Vec<OsString> {
        let mut words: Vec<OsString> = Vec::new();
        let mut pair = |flag: &str, value: &Path| words.extend([flag.into(), value.into()]);
        pair("--root", &self.root);
        pair("--runtime-dir", &self.runtime);
        pair("--log-dir", &self.logs);
        pair("--socket", &self.socket);
        pair("--instance", Path::new(&self.instance));
        self.definitions.iter().for_each(|dir| pair("--definitions", dir));
        self.legacy.iter().for_each(|dir| pair("--legacy", dir));
        let flags = [
            ("--no-legacy", self.legacy.is_empty()),
            ("--boot", self.boot),
            ("--no-boot", !self.boot),
            ("--no-cgroup", !self.cgroups),
            ("--all", self.all),
            ("--first", self.first),
            ("--again", self.again),
        ];
        words.extend(flags.iter().filter(|(_, on)| *on).map(|(flag, _)| OsString::from(flag)));
        words
    }

    /// The run journal.
    pub fn journal(&self) -> PathBuf {
        self.runtime.join("journal")
    }

    /// The directory that holds the rcN.d directories of legacy scripts in `dir`.
    pub fn links_of(dir: &Path) -> PathBuf {
        dir.parent().unwrap_or(dir).to_owned()
    }

    /// Where an administrator's own definitions and drop-ins are.
    pub fn admin(&self) -> Option<&Path> {
        self.definitions.first().map(PathBuf::as_path)
    }
}

/// Where systems have scripts.
const SCRIPTS: [&str; 3] = ["etc/init.d", "etc/rc.d", "usr/local/etc/rc.d"];
/// Where systems have definitions.
const DEFINITIONS: [&str; 5] = [
    "etc/svc/services",
    "usr/local/etc/svc/services",
    "usr/local/lib/svc/services",
    "usr/local/share/svc/services",
    "usr/lib/svc/services",
];

/// The usual places.
struct Home {
    runtime: PathBuf,
    logs: PathBuf,
    state: PathBuf,
    definitions: Vec<PathBuf>,
    legacy: Vec<PathBuf>,
}

impl Home {
    fn machine(root: &Path) -> Self {
        let places = |list: &[&str]| list.iter().map(|place| root.join(place)).collect();
        Self {
            runtime: root.join(host::PLACES.runtime),
            logs: root.join(host::PLACES.logs),
            state: root.join(host::PLACES.state),
            definitions: places(host::PLACES.definitions),
            legacy: places(host::PLACES.scripts),
        }
    }

    fn user(root: &Path) -> Self {
        let home = env::var_os("HOME").map_or_else(|| root.to_owned(), PathBuf::from);
        let xdg = |variable: &str, fallback: PathBuf| {
            env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute()).unwrap_or(fallback)
        };
        let state = xdg("XDG_STATE_HOME", home.join(".local/state"));
        Self {
            runtime: xdg("XDG_RUNTIME_DIR", state.join("svc/run")).join("svc"),
            logs: state.join("svc/log"),
            state: state.join("svc"),
            definitions: vec![xdg("XDG_CONFIG_HOME", home.join(".config")).join("svc/services")],
            legacy: Vec::new(),
        }
    }
}

fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

/// A runtime directory belongs to one daemon, so its path tells daemons apart.
fn instance_of(runtime: &Path) -> String {
    let text = runtime.to_string_lossy();
    text.trim_matches('/').chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(words: &[&str]) -> Options {
        let words = std::iter::once("svcd").chain(words.iter().copied());
        Options::new(&Arguments::try_parse_from(words).unwrap(), true, false)
    }

    #[test]
    fn a_machine_looked_at_from_outside_may_be_of_any_system() {
        let image = tempfile::tempdir().unwrap();
        let places = ["etc/init.d", "usr/local/etc/rc.d", "etc/svc/services", "usr/local/etc/svc/services"];
        let places = places.map(|place| image.path().join(place));
        places.iter().for_each(|place| std::fs::create_dir_all(place).unwrap());
        let options = Options::from_outside(image.path());
        assert!(places[..2].iter().all(|place| options.legacy.contains(place)), "{:?}", options.legacy);
        assert!(places[2..].iter().all(|place| options.definitions.contains(place)), "{:?}", options.definitions);
        let usual = Options::from_outside(Path::new("/"));
        assert_eq!(usual, Options::new(&Arguments::default(), true, false));
    }

    #[test]
    fn everything_is_below_the_root() {
        let options = options(&["--root", "/image"]);
        assert_eq!(options.runtime, Path::new("/image").join(host::PLACES.runtime));
        assert_eq!(options.logs, Path::new("/image").join(host::PLACES.logs));
        assert_eq!(options.definitions[0], Path::new("/image").join(host::PLACES.definitions[0]));
        assert_eq!(options.legacy[0], Path::new("/image").join(host::PLACES.scripts[0]));
    }

    #[test]
    fn two_daemons_do_not_share_the_directories_of_their_services() {
        let usual = options(&["--root", "/image"]);
        assert_eq!(usual.volatile, usual.runtime.parent().unwrap());
        assert_eq!(options(&["--runtime-dir", "/tmp/one"]).volatile, Path::new("/tmp/one/volatile"));
    }

    #[test]
    fn a_role_gets_options_that_mean_the_same() {
        for words in [
            &["--root", "/image", "--boot", "--no-cgroup"][..],
            &["--definitions", "/a", "--definitions", "/b", "--no-legacy", "--all", "--runtime-dir", "/r"],
            &["--legacy", "/l", "--socket", "/s", "--instance", "x", "--first", "--again"],
        ] {
            let first = options(words);
            let again: Vec<String> = first.arguments().into_iter().map(|word| word.into_string().unwrap()).collect();
            let again: Vec<&str> = again.iter().map(String::as_str).collect();
            assert_eq!(options(&again), first);
        }
    }

    #[test]
    fn process_1_boots_unless_told_not_to() {
        let boots = |words: &[&str], is_first| {
            let words = std::iter::once("svcd").chain(words.iter().copied());
            Options::new(&Arguments::try_parse_from(words).unwrap(), true, is_first).boot
        };
        assert!(boots(&[], true) && boots(&["--boot"], false));
        assert!(!boots(&[], false) && !boots(&["--no-boot"], true));
    }

    #[test]
    fn process_1_of_a_kernel_that_tells_it_like_init_8_never_ends_for_its_words() {
        let of_init = |words: &[&str]| {
            let words = std::iter::once("svcd").chain(words.iter().copied());
            let (arguments, fault) = Arguments::of_init(words.map(OsString::from));
            (arguments.single, arguments.again, arguments.no_legacy, fault.is_some())
        };
        assert_eq!(of_init(&[]), (false, false, false, false));
        assert_eq!(of_init(&["-s"]), (true, false, false, false));
        assert_eq!(of_init(&["-f", "--no-legacy"]), (false, true, true, false));
        assert_eq!(of_init(&["-s", "-v", "--help"]), (true, false, false, true));
    }
}
