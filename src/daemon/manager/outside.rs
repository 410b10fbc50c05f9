//! Daemons that appear outside our trees: a script that knows nothing of us was run by hand, or by a package. Their pid
//! files are watched for, or where a script has none its program, and whoever asks about a script has them looked at.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use svc_core::ServiceId;
use svc_core::service::{Kind, Service};
use svc_platform::poll::Interest;
use svc_platform::process::{self, Facts};
use svc_platform::watch::Watcher;
use svc_platform::{clock, users};

use super::adopt::{Table, is_plausible, tells};
use super::look::{pid_files, read_pid};
use super::{Manager, Timer, Token};
use crate::daemon::say;

/// A daemon writes its pid file and goes on; what else comes in this time is looked at together.
const SETTLE: Duration = Duration::from_millis(100);
/// So many times as long as a look took pass before the next: anybody can make news as fast as a program is read.
const REST: u32 = 20;
const REST_MAX: Duration = Duration::from_secs(5);
/// A program that was executed may stand alone only later.
const AGAIN: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(5)];

/// When a process started is known no better, and rounded down: proc_pid_stat(5).
const TICK: Duration = Duration::from_millis(10);

/// The mark of dpkg in what its maintainer scripts start.
const PACKAGE: &[u8] = b"DPKG_MAINTSCRIPT_PACKAGE=";

impl Manager {
    /// Watches the directories of all pid files, or what there is of the way to them.
    pub(super) fn watch_outside(&mut self) {
        let (mut places, mut files, mut programs) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for id in self.core.ids() {
            let service = self.core.service(id);
            if service.is_script() {
                let paths: Vec<&Path> = pid_files(service).into_iter().map(Path::new).collect();
                places.extend(paths.iter().filter_map(|path| nearest(path)));
                files.extend(paths.into_iter().filter(|path| path.is_file()).map(Path::to_owned));
                programs.extend(programs_of(service));
            }
        }
        if places.is_empty() && programs.is_empty() {
            return;
        }
        if self.outside.is_none() {
            let made = Watcher::new().and_then(|watcher| {
                self.poller.add(&watcher, Token::Outside.number(), Interest::READ)?;
                Ok(watcher)
            });
            match made {
                Ok(watcher) => self.outside = Some(watcher),
                Err(error) => return say(format!("watching for daemons that others start: {error}")),
            }
        }
        let Some(watcher) = &mut self.outside else { return };
        for place in places {
            // It may be gone again; whoever makes it anew makes its parent news.
            let _ = watcher.watch(&place);
        }
        for file in files {
            let _ = watcher.watch_file(&file);
        }
        for program in programs {
            let _ = watcher.watch_program(&program);
        }
    }

    /// Something was written where pid files are, or a program was opened. More news is not listened to before this
    /// was looked at.
    pub(super) fn outside_changed(&mut self) {
        if let Some(watcher) = &self.outside {
            // To be asked for nothing does not silence every kind of descriptor.
            self.poller.remove(watcher).ok();
        }
        self.ensure_timer(self.outside_rest.max(SETTLE), Timer::Outside);
        self.timers.retain(|(_, timer)| !matches!(timer, Timer::OutsideAgain(_)));
        // After a long rest the look itself comes late enough.
        let rest = self.outside_rest;
        AGAIN
            .into_iter()
            .filter(|after| *after > rest)
            .for_each(|after| self.set_timer(after, Timer::OutsideAgain(after)));
    }

    pub(super) fn look_outside(&mut self) {
        let begun = clock::now();
        if let Some(watcher) = &mut self.outside {
            if let Err(error) = watcher.drain() {
                say(format!("watching for daemons that others start: {error}"));
            }
            // It may be listened to already.
            self.poller.add(&*watcher, Token::Outside.number(), Interest::READ).ok();
        }
        self.watch_outside();
        let ids: Vec<ServiceId> = self.core.ids().collect();
        self.look_outside_for(&ids);
        self.outside_rest = (clock::now().since(begun) * REST).min(REST_MAX);
    }

    /// Takes under watch what runs of these though nobody asked us for it.
    pub(super) fn look_outside_for(&mut self, ids: &[ServiceId]) {
        let mut table = None;
        for id in ids {
            let service = self.core.service(*id).clone();
            let is_daemon = matches!(&service.kind, Kind::Script(script) if script.daemon);
            if !is_daemon || self.core.view(*id).state.is_alive() {
                continue;
            }
            let found = pid_files(&service).into_iter().filter_map(read_pid).find_map(|pid| {
                let facts = process::facts(pid).ok()?;
                let is_new = !facts.is_zombie() && !self.is_ours(*id, pid);
                (is_new && is_plausible(&service, &facts)).then_some(facts)
            });
            let found = found.or_else(|| {
                programs_of(&service).next()?;
                let facts = self.find_daemon(&service, table.get_or_insert_with(Table::read))?;
                // What is left of an earlier run may take its time to end.
                let view = self.core.view(*id);
                let is_new = view.last_exit.is_none() || facts.started + TICK >= view.since;
                (is_new && can_be_the_machines(facts.uid) && !self.is_ours(*id, facts.pid)).then_some(facts)
            });
            if let Some(facts) = found {
                let by = starter(&facts);
                say(format!("{}: {by}", service.name));
                self.adopt(*id, &service, &facts, Some(by));
            }
        }
    }

    /// Whether a process is of a run that we know: watched, or left behind by this service.
    fn is_ours(&self, id: ServiceId, pid: i32) -> bool {
        self.runs.of_pid(pid).is_some() || self.runs.iter().any(|(_, run)| run.service == id && run.trunk.has(pid))
    }
}

/// Whether a process of this user can be a daemon of the machine: one of an ordinary account is its owner's own,
/// whatever program it runs. Where such accounts begin and end, useradd(8) and pw(8) say; `nobody` is none of them.
fn can_be_the_machines(uid: u32) -> bool {
    !(1000..60_000).contains(&uid) || uid == users::own_uid()
}

/// The programs by which a daemon without a pid file is known.
fn programs_of(service: &Service) -> impl Iterator<Item = PathBuf> {
    let programs = match &service.kind {
        Kind::Script(script) if script.daemon && script.pid_files.is_empty() => script.programs.as_slice(),
        _ => &[],
    };
    programs.iter().map(PathBuf::from).filter(|program| tells(program) && program.is_file())
}

/// The directory of a pid file, or the nearest above it that is there.
fn nearest(path: &Path) -> Option<PathBuf> {
    let above = path.ancestors().skip(1).find(|above| above.is_dir())?;
    (path.is_absolute() && above != Path::new("/")).then(|| above.to_owned())
}

/// Who started a process, as far as that can be seen afterwards: its parent may be gone.
fn starter(facts: &Facts) -> String {
    let parent = Some(facts.parent).filter(|pid| *pid > 1 && *pid != std::process::id() as i32);
    let leader = Some(facts.session).filter(|pid| *pid > 1 && *pid != facts.pid);
    let seen = [parent, leader].into_iter().flatten().find_map(|pid| process::facts(pid).ok());
    let environment = process::environment(facts.pid).unwrap_or_default();
    let package = environment.iter().find_map(|entry| entry.strip_prefix(PACKAGE));
    let package = package.map(|name| String::from_utf8_lossy(name).into_owned());
    match (seen, package) {
        (Some(seen), Some(package)) => {
            format!("started outside svc by pid {}, {}, for dpkg's package {package}", seen.pid, seen.name)
        }
        (Some(seen), None) => format!("started outside svc by pid {}, {}", seen.pid, seen.name),
        (None, Some(package)) => format!("started outside svc by dpkg, for its package {package}"),
        (None, None) => "started outside svc by a process that is gone".to_owned(),
    }
}
