//! Enable and disable: a drop-in for a definition; the rcN.d links, the runlevels of OpenRC or rc.conf for a script.

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use svc_compat::rcconf;
use svc_core::service::{Dialect, Kind, RcConf};
use svc_core::{Answer, Service, ServiceId};
use svc_platform::files;

use super::Manager;
use super::requests::{Awaits, Waiting};
use crate::daemon::loader::links::{self, Link};
use crate::daemon::loader::rcconf::Places;
use crate::daemon::loader::runlevels::Runlevels;
use crate::daemon::options::Options;
use crate::wire::{Outcome, Refusal, Reply, Request};

/// The levels of normal work, where a script without links gets them.
const WORK_LEVELS: [char; 4] = ['2', '3', '4', '5'];

/// The largest file of settings that is changed, in bytes.
const SETTINGS_BYTES_MAX: u64 = 1024 * 1024;

impl Manager {
    /// Writes what says that these start at boot, or do not; then reads it back.
    pub(super) fn enable(&mut self, client: u64, request: Request, ids: &[ServiceId]) {
        let on = matches!(request, Request::Enable(_));
        for id in ids {
            let service = self.core.service(*id).clone();
            let written = match &service.kind {
                Kind::Script(script) if let Some(rc) = &script.rc_conf => self.set_rcvar(rc, on),
                Kind::Script(script) => match Runlevels::read(&self.options.root) {
                    Some(levels) if script.dialect == Dialect::Openrc => {
                        relevel(&service, &levels, &self.options.root, on)
                    }
                    Some(_) | None => self.relink(&service, on),
                },
                Kind::Process | Kind::Forking { .. } | Kind::Oneshot | Kind::Group => self.drop_in(&service, on),
            };
            if let Err(error) = written {
                let text = format!("{}: {error}", service.name);
                return self.reply(client, Reply::Refused(Refusal::Failed { text }));
            }
        }
        self.requests.to_load.push(Waiting { client, request, awaits: Awaits::Load });
        self.load();
    }

    /// What was written has been read back.
    pub(super) fn enabled(&mut self, client: u64, request: &Request) {
        let (target, on) = match request {
            Request::Enable(target) => (target, true),
            Request::Disable(target) => (target, false),
            _ => return,
        };
        let ids = self.resolve(&target.names, false).unwrap_or_default();
        let outcomes = ids.into_iter().map(|id| {
            let service = self.core.service(id);
            let answer = if service.enabled.on == on {
                Answer::Done { changed: true, note: None }
            } else {
                Answer::Failed(format!("{} still says otherwise", service.enabled.origin))
            };
            Outcome { name: service.name.clone(), answer, output: Vec::new() }
        });
        let outcomes = outcomes.collect();
        self.reply(client, Reply::Outcomes(outcomes));
    }

    fn drop_in(&self, service: &Service, on: bool) -> io::Result<()> {
        let admin = self.options.admin().ok_or_else(|| io::Error::other("there is no directory for definitions"))?;
        let dir = admin.join(format!("{}.d", service.name));
        files::make_directory(&dir, 0o755)?;
        files::replace(&dir.join("enabled.toml"), format!("enabled = {on}\n").as_bytes(), 0o644)
    }

    /// Sets the variable of an rc.d script where service(8) would set it.
    fn set_rcvar(&self, rc: &RcConf, on: bool) -> io::Result<()> {
        let fault = |text: &str| io::Error::other(text.to_owned());
        let always = "no variable of rc.conf enables it: it runs at every boot unless its KEYWORD says otherwise";
        let rcvar = rc.rcvar.as_deref().ok_or_else(|| fault(always))?;
        let places = Places::of(&self.options);
        let path = places.to_change(&rc.name, rcvar);
        let old = match files::read_regular(&path, SETTINGS_BYTES_MAX) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            other => other?,
        };
        let new = rcconf::assign(&old, rcvar, if on { "YES" } else { "NO" });
        let mode = fs::metadata(&path).map_or(0o644, |found| found.permissions().mode() & 0o7777);
        if new == old { Ok(()) } else { files::replace(&path, &new, mode) }
    }

    /// Turns start links into stop links or back, on the levels where there are some, as update-rc.d does.
    fn relink(&self, service: &Service, on: bool) -> io::Result<()> {
        let script = PathBuf::from(service.files.first().map(String::as_str).unwrap_or_default());
        let name = script.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let dir = script.parent().ok_or_else(|| io::Error::other("its script has no directory"))?;
        let etc = Options::links_of(dir);
        let all = links::read(&etc).remove(&name).unwrap_or_default();
        let ours: Vec<&Link> = all.iter().filter(|link| links::START_LEVELS.contains(&link.level)).collect();
        if ours.is_empty() && on {
            for level in WORK_LEVELS {
                let levels = etc.join(format!("rc{level}.d"));
                files::make_directory(&levels, 0o755)?;
                let target = Path::new("..").join(dir.file_name().unwrap_or_default()).join(&name);
                symlink(target, levels.join(format!("S01{name}")))?;
            }
            return Ok(());
        }
        for link in ours.into_iter().filter(|link| link.starts != on) {
            let from = Path::new(&link.path);
            let letter = if on { 'S' } else { 'K' };
            // A service that starts late stops early.
            let number = (100 - link.number.min(99)).clamp(1, 99);
            fs::rename(from, from.with_file_name(format!("{letter}{number:02}{name}")))?;
        }
        Ok(())
    }
}

/// Links a script of OpenRC's into the runlevel for work, or out of every one that a boot goes through.
///
/// Source: rc-update(8).
fn relevel(service: &Service, levels: &Runlevels, root: &Path, on: bool) -> io::Result<()> {
    let name = service.name.as_str();
    if !on {
        return levels.of(name).iter().try_for_each(|(_, link)| fs::remove_file(link));
    }
    if !levels.of(name).is_empty() {
        return Ok(());
    }
    let place = levels.place(name);
    files::make_directory(place.parent().unwrap_or(&place), 0o755)?;
    let script = Path::new(service.files.first().map(String::as_str).unwrap_or_default());
    symlink(Path::new("/").join(script.strip_prefix(root).unwrap_or(script)), place)
}
