//! `update-rc.d`: the links of init scripts in the directories of the runlevels.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use super::super::manager::Manager;
use super::super::rcconf::{below, names};
use super::super::script;
use super::links::{self, Deed};

const USAGE: &str = "\
usage: update-rc.d [-f] <basename> remove
       update-rc.d [-f] <basename> defaults
       update-rc.d [-f] <basename> defaults-disabled
       update-rc.d <basename> disable|enable [S|2|3|4|5]
\t\t-f: force

The disable|enable API is not stable and might change in the future.
";
/// The directories of links in the order of their names.
const LEVELS: [&str; 8] = ["0", "1", "2", "3", "4", "5", "6", "S"];

/// An error that was told, and its code.
struct End(u8);

type Done<T = ()> = Result<T, End>;

/// The runlevels of a script's header.
#[derive(Debug, Default, PartialEq, Eq)]
struct Defaults {
    start: Vec<String>,
    stop: Vec<String>,
}

pub(in super::super) fn run(words: &[String]) -> ExitCode {
    match answer(words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(End(code)) => ExitCode::from(code),
    }
}

fn usage(why: &str) -> End {
    if !why.is_empty() {
        eprintln!("update-rc.d: error: {why}");
    }
    eprint!("{USAGE}");
    End(1)
}

fn error(why: &str) -> End {
    eprintln!("update-rc.d: error: {why}");
    End(1)
}

fn warning(what: &str) {
    eprintln!("update-rc.d: warning: {what}");
}

fn answer(words: &[String]) -> Done {
    let mut rest = words;
    while let Some((word, after)) = rest.split_first().filter(|(word, _)| word.starts_with('-')) {
        rest = after;
        match word.as_str() {
            "-f" => {}
            _ if word.starts_with("-h") || word.ends_with("--help") => return Err(usage("")),
            _ => return Err(usage("unknown option")),
        }
    }
    let [name, action, rest @ ..] = rest else { return Err(usage("not enough arguments")) };
    let known = ["remove", "defaults", "start", "stop", "defaults-disabled", "disable", "enable"];
    if !known.contains(&action.as_str()) {
        return Err(usage(""));
    }
    if script::path(name).is_none() {
        return Err(error(&format!("`{name}` is no name of a script")));
    }
    if matches!(action.as_str(), "enable" | "disable")
        && !is_script(name)
        && let Some(code) = native(name, action)
    {
        return if code == 0 { Ok(()) } else { Err(End(code)) };
    }
    change(name, action, rest)?;
    if let Some(manager) = Manager::find() {
        manager.reload();
    }
    Ok(())
}

/// A service without a script is enabled by svcd itself.
fn native(name: &str, action: &str) -> Option<u8> {
    let manager = Manager::find()?;
    let known = manager.service(name).filter(|known| !known.is_script())?;
    Some(known.act(&[action.to_owned()]))
}

fn change(name: &str, action: &str, rest: &[String]) -> Done {
    let sorts = links::is_in_charge();
    match action {
        "remove" if sorts && is_script(name) => {
            // The original does not look at what insserv says of this.
            let _ = links::sort(&Deed::Remove(name));
        }
        "remove" if sorts => sort(&Deed::Nothing)?,
        "remove" => all_links(name).iter().for_each(|link| drop(fs::remove_file(link))),
        "defaults" | "start" | "stop" => {
            if action != "defaults" {
                compare(name, action, rest)?;
            }
            if sorts { add(name)? } else { plain(name, 'S')? }
        }
        "defaults-disabled" if !sorts => plain(name, 'K')?,
        "defaults-disabled" if all_links(name).is_empty() => {
            add(name)?;
            toggle("disable", name, &[])?;
        }
        "defaults-disabled" => {}
        _ => {
            toggle(action, name, rest)?;
            if sorts {
                sort(&Deed::Add(name))?;
            }
        }
    }
    openrc(name, action, rest)?;
    systemd(name, action);
    Ok(())
}

fn is_script(name: &str) -> bool {
    script::path(name).is_some_and(|path| path.is_file())
}

fn add(name: &str) -> Done {
    if !is_script(name) {
        return Err(error(&format!("initscript does not exist: /etc/init.d/{name}")));
    }
    sort(&Deed::Add(name))
}

fn sort(deed: &Deed<'_>) -> Done {
    match links::sort(deed) {
        0 => Ok(()),
        code => {
            eprintln!("update-rc.d: error: insserv rejected the script header");
            Err(End(code))
        }
    }
}

/// The links of a script, by level and name.
fn all_links(name: &str) -> Vec<PathBuf> {
    LEVELS.iter().flat_map(|level| links_in(level, name)).collect()
}

fn links_in(level: &str, name: &str) -> Vec<PathBuf> {
    let place = below(&format!("/etc/rc{level}.d"));
    let found = names(&place).into_iter().filter(|link| script::is_link_of(link, name));
    found.map(|link| place.join(link)).collect()
}

/// Links as the header has them, all with the number 01: where nothing sorts them, what is there stays as it is.
fn plain(name: &str, start: char) -> Done {
    if !all_links(name).is_empty() {
        return Ok(());
    }
    let defaults = read_defaults(&below(&format!("/etc/init.d/{name}")))
        .map_err(|_| error(&format!("unable to read /etc/init.d/{name}")))?;
    let starts = defaults.start.iter().map(|level| (level, start));
    for (level, kind) in starts.chain(defaults.stop.iter().map(|level| (level, 'K'))) {
        // What is no runlevel has no directory, and none is made for it.
        if level.contains('/') {
            continue;
        }
        let place = below(&format!("/etc/rc{level}.d"));
        let link = place.join(format!("{kind}01{name}"));
        // As with the original, a link that is there already stays.
        let _ = fs::create_dir_all(&place).and_then(|()| symlink(format!("../init.d/{name}"), link));
    }
    Ok(())
}

/// What `Default-Start` and `Default-Stop` of a header say.
fn read_defaults(path: &Path) -> io::Result<Defaults> {
    let text = fs::read(path)?;
    let text = String::from_utf8_lossy(&text);
    let mut defaults = Defaults::default();
    let mut inside = false;
    for line in text.lines() {
        match line.trim_end() {
            "### BEGIN INIT INFO" => inside = true,
            "### END INIT INFO" => break,
            _ if !inside => {}
            _ => {
                let levels = |value: &str| value.split_ascii_whitespace().map(str::to_owned).collect();
                if let Some(value) = line.strip_prefix("# Default-Start:") {
                    defaults.start = levels(value);
                } else if let Some(value) = line.strip_prefix("# Default-Stop:") {
                    defaults.stop = levels(value);
                }
            }
        }
    }
    Ok(defaults)
}

/// The file whose header counts for `enable` and `disable`.
fn header_file(name: &str) -> Done<PathBuf> {
    let places = ["/etc/insserv/overrides", "/etc/init.d", "/usr/share/insserv/overrides"];
    let mut files = places.iter().map(|place| below(&format!("{place}/{name}")));
    let full = |path: &PathBuf| fs::metadata(path).is_ok_and(|found| found.len() > 0);
    files.find(full).ok_or_else(|| error(&format!("cannot find a LSB script for {name}")))
}

/// The levels that are meant: those given, or those of the header.
fn meant(name: &str, given: &[String]) -> Done<Vec<String>> {
    let path = header_file(name)?;
    if !given.is_empty() {
        return Ok(given.to_vec());
    }
    let defaults = read_defaults(&path).map_err(|_| error(&format!("unable to read {}", path.display())))?;
    if defaults.start.is_empty() {
        return Err(error(&format!("{name} Default-Start contains no runlevels, aborting.")));
    }
    Ok(defaults.start)
}

/// Makes start links stop links, or the other way round.
fn toggle(action: &str, name: &str, given: &[String]) -> Done {
    let mut found = Vec::new();
    for level in meant(name, given)? {
        if !matches!(level.as_str(), "S" | "2" | "3" | "4" | "5") {
            warning(&format!("{action} action will have no effect on runlevel {level}"));
            continue;
        }
        found.extend(links_in(&level, name));
    }
    if found.is_empty() {
        return Err(error("no runlevel symlinks to modify, aborting!"));
    }
    let (from, to) = if action == "disable" { ("S", "K") } else { ("K", "S") };
    for link in found {
        let file = link.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if let Some(rest) = file.strip_prefix(from) {
            // Named twice, or twice in one level: done already.
            let renamed = fs::rename(&link, link.with_file_name(format!("{to}{rest}")));
            renamed.map_err(|fault| error(&script::plain(&fault)))?;
        }
    }
    Ok(())
}

/// The numbers and levels of old calls are not followed any more; what differs from the header is told.
fn compare(name: &str, action: &str, words: &[String]) -> Done {
    let path = format!("/etc/init.d/{name}");
    let defaults = read_defaults(&below(&path)).map_err(|_| error(&format!("unable to read {path}")))?;
    if defaults == Defaults::default() {
        return Ok(());
    }
    warning("start and stop actions are no longer supported; falling back to defaults");
    let mut starts = action == "start";
    let mut given = Defaults::default();
    // After each of these words stands a number.
    let mut at = if words.first().is_some_and(|word| word == action) { 2 } else { 1 };
    while let Some(word) = words.get(at) {
        at += 1;
        match word.as_str() {
            "start" | "stop" => {
                starts = word == "start";
                at += 1;
            }
            "." => {}
            level => {
                // These two always stop, and so does what follows them.
                starts &= !matches!(level, "0" | "6");
                let list = if starts { &mut given.start } else { &mut given.stop };
                list.push(level.to_owned());
            }
        }
    }
    differ("start", &given.start, name, "Start", &defaults.start);
    differ("stop", &given.stop, name, "Stop", &defaults.stop);
    Ok(())
}

fn differ(what: &str, given: &[String], name: &str, key: &str, header: &[String]) {
    let sorted = |levels: &[String]| {
        let mut levels = levels.to_vec();
        levels.sort();
        levels
    };
    if sorted(given) == sorted(header) {
        return;
    }
    let shown = |levels: &[String]| if levels.is_empty() { "none".to_owned() } else { levels.join(" ") };
    let (given, header) = (shown(given), shown(header));
    warning(&format!("{what} runlevel arguments ({given}) do not match {name} Default-{key} values ({header})"));
}

/// Where OpenRC is installed, its runlevels follow the links.
fn openrc(name: &str, action: &str, rest: &[String]) -> Done {
    if !script::is_executable(&below("/sbin/openrc")) {
        return Ok(());
    }
    let call = |words: &[&str]| script::run(Command::new("rc-update").args(words));
    match action {
        "remove" => drop(call(&["-qqa", "delete", name])),
        "defaults" | "start" | "stop" if !matches!(name, "halt" | "reboot") => {
            let levels = runlevels_of(&linked_levels(name));
            if !levels.is_empty() {
                call(&[&["add", name], levels.as_slice()].concat());
            }
        }
        "enable" | "disable" => {
            let levels = meant(name, rest)?;
            let deed = if action == "enable" { "add" } else { "del" };
            call(&[&[deed, name], runlevels_of(&levels).as_slice()].concat());
        }
        _ => {}
    }
    Ok(())
}

/// The levels in which a script starts; 6 if it is only stopped, in the levels that end the machine.
fn linked_levels(name: &str) -> Vec<String> {
    let of = |levels: &[&str], kind: char| -> Vec<String> {
        let all = levels.iter().flat_map(|level| links_in(level, name).into_iter().map(move |link| (*level, link)));
        let wanted = all.filter(|(_, link)| {
            link.file_name().and_then(|file| file.to_str()).is_some_and(|file| file.starts_with(kind))
        });
        wanted.map(|(level, _)| level.to_owned()).collect()
    };
    let usual = ["1", "2", "3", "4", "5", "S"];
    let starts = of(&usual, 'S');
    let is_disabled = !of(&usual, 'K').is_empty();
    if starts.is_empty() && !is_disabled && !of(&["0", "6"], 'K').is_empty() {
        return vec!["6".to_owned()];
    }
    starts
}

/// OpenRC's names of runlevels, each once.
fn runlevels_of(levels: &[String]) -> Vec<&'static str> {
    let mut found = Vec::new();
    for level in levels {
        let name = match level.as_str() {
            "S" => "sysinit",
            "1" => "recovery",
            "2" | "3" | "4" | "5" => "default",
            "6" => "off",
            _ => continue,
        };
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found
}

/// Where systemd is installed, its native unit of this name is enabled too.
fn systemd(name: &str, action: &str) {
    if matches!(action, "enable" | "disable") && std::env::var("_SKIP_SYSTEMD_NATIVE").as_deref() != Ok("1") {
        let program = ["/bin/systemctl", "/usr/bin/systemctl"].iter().map(|path| below(path));
        match program.into_iter().find(|path| script::is_executable(path) && !is_ours(path)) {
            Some(program) => {
                let mut command = Command::new(program);
                command.args(["--root=/", "--quiet", action, name]).env("SYSTEMCTL_SKIP_SYSV", "1");
                script::run(&mut command);
            }
            None => native_unit(name, action),
        }
    }
    if below(svc_compat::header::systemd::AT_WORK).is_dir()
        && std::env::var_os("DPKG_ROOT").is_none_or(|root| root.is_empty())
    {
        let _ = Command::new("systemctl").arg("daemon-reload").stdin(Stdio::null()).status();
    }
}

/// Whether a command is this program: it would lead back to where we are.
fn is_ours(path: &Path) -> bool {
    let own = std::env::current_exe().and_then(|own| own.canonicalize());
    matches!((path.canonicalize(), own), (Ok(one), Ok(other)) if one == other)
}

/// The links of a unit for the targets that want it, where systemctl is missing.
fn native_unit(name: &str, action: &str) {
    let places = ["/etc/systemd/system", "/lib/systemd/system", "/usr/lib/systemd/system"];
    let units = places.iter().map(|place| format!("{place}/{name}.service"));
    let Some(unit) = units.into_iter().find(|unit| below(unit).is_file()) else { return };
    let text = fs::read(below(&unit)).unwrap_or_default();
    for line in String::from_utf8_lossy(&text).lines() {
        let line = line.trim_start();
        let Some((key, target)) = line.split_once('=').filter(|(key, _)| key.eq_ignore_ascii_case("WantedBy")) else {
            continue;
        };
        if target.is_empty() || target.contains('/') || key.is_empty() {
            continue;
        }
        let place = below(&format!("/etc/systemd/system/{target}.wants"));
        let link = place.join(format!("{name}.service"));
        // As with the original, a link that is there already stays, and one that is not need not be removed.
        let _ = match action {
            "enable" => fs::create_dir_all(&place).and_then(|()| symlink(&unit, &link)),
            _ => fs::remove_file(&link),
        };
    }
}
