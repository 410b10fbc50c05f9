//! Launching, telling, killing: the actions that touch processes.

use std::fs::File;
use std::io::{self, PipeWriter};
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;

use svc_core::service::Ready;
use svc_core::{Event, Exit, Job, Name, Reach, RunId, Service, ServiceId, Signal};
use svc_platform::notify::Notify;
use svc_platform::poll::Interest;
use svc_platform::spawn::Kin;
use svc_platform::{Passed, files, process, signals};

use super::prepare::{self, Machine, Surroundings};
use super::records::{Launched, Record, Watched};
use super::run::{Process, Run, Trunk, tree_name};
use super::{Manager, Token, audit, ceilings};
use crate::daemon::link::{self, Key};
use crate::daemon::say;

/// What a launch has to hold until it is done.
struct Ears {
    notify: Option<Notify>,
    notify_fd: Option<(File, OwnedFd, u32)>,
}

impl Manager {
    pub(super) fn spawn(&mut self, run: RunId, id: ServiceId, job: Job, about: Option<RunId>) {
        let service = self.core.service(id).clone();
        if job == Job::Start
            && let Some(text) = prepare::unmet(&service.conditions)
        {
            return self.event(Event::NotHere(run, text));
        }
        if self.hurries {
            return self.event(Event::SpawnFailed(run, "everything is being killed".into()));
        }
        // Where trees are not tight, whoever is seen now is known later, whatever it does meanwhile.
        if let Some(main) = about.filter(|_| !self.forest.is_tight()).and_then(|about| self.runs.get(about)) {
            drop(main.trunk.processes());
        }
        // What is to be stopped, and has not begun, needs no command for it.
        if let Some(about) = about {
            self.stop_configuring(about);
        }
        if job == Job::Start && self.configures_first(run, id, &service) {
            return;
        }
        if job == Job::Stop && self.passes_over_stop(&service) {
            return self.ends_without_a_word(run, about);
        }
        self.launch_or_say(run, id, &service, job, about);
    }

    /// rc.shutdown(8) calls only the scripts that ask for it: others may take away what is still needed.
    fn passes_over_stop(&self, service: &Service) -> bool {
        self.options.first && self.then.is_some() && service.rc_conf().is_some_and(|rc| !rc.shutdown)
    }

    /// What such a script has left running is told to end, as process 1 of that system tells everyone who is left.
    fn ends_without_a_word(&mut self, run: RunId, about: Option<RunId>) {
        if let Some(about) = about {
            self.signal(about, Signal::Term, Reach::Tree);
        }
        self.event(Event::Executed(run));
        self.event(Event::Ended(run, Exit::Code(0)));
    }

    fn machine(&mut self, id: ServiceId, job: &Job) -> Machine {
        match job {
            Job::Start if self.boot.calls(id) => match self.options.again {
                true => Machine::BootsAgain,
                false => Machine::Boots,
            },
            Job::Stop if self.options.first && self.then.is_some() => Machine::Ends,
            _ => Machine::Runs,
        }
    }

    pub(super) fn launch_or_say(
        &mut self,
        run: RunId,
        id: ServiceId,
        service: &Service,
        job: Job,
        about: Option<RunId>,
    ) {
        if let Err(text) = self.launch(run, id, service, job, about) {
            self.forget_ears(run, &service.name);
            self.event(Event::SpawnFailed(run, text));
        }
    }

    fn launch(
        &mut self,
        run: RunId,
        id: ServiceId,
        service: &Service,
        job: Job,
        about: Option<RunId>,
    ) -> Result<(), String> {
        let name = &service.name;
        let ears = self.ears(run, service, &job)?;
        let machine = self.machine(id, &job);
        let around = Surroundings {
            runtime: &self.options.runtime,
            machine,
            volatile: &self.options.volatile,
            root: &self.options.root,
            is_root: self.is_root,
            main: about.and_then(|run| self.runs.get(run)).and_then(Run::first).map(|process| process.pid),
            notify: ears.notify.as_ref().map(|_| self.notify_path(name, run)),
        };
        let mut launch = prepare::launch(service, &job, &around)?;
        let output = self.output_of(service)?;
        let grown = self.forest.grow(&tree_name(name, run)).map_err(|error| format!("making its tree: {error}"));
        let mut tree = grown?;
        launch.jail = self.jail_for(service, &job, about);
        if job == Job::Start {
            ceilings::set(&mut tree, &mut launch, service)?;
        }
        let entry = svc_platform::launch::c_string(tree.environment()).map_err(|error| error.to_string())?;
        launch.environment.push(entry);
        launch.stdout = Some(output.as_fd());
        launch.stderr = Some(output.as_fd());
        launch.tree = tree.door();
        let own_jail = launch.jail.as_ref().filter(|_| job == Job::Start).map(|jail| jail.name().to_owned());
        if let Some((_, writer, number)) = &ears.notify_fd {
            let number = i32::try_from(*number).map_err(|error| error.to_string())?;
            launch.pass.push(Passed { fd: writer.as_fd(), number });
        }
        // Written before, so that the next manager knows of the tree even if this one dies in between.
        let launched = Launched { name: name.clone(), job: job.clone(), about, found: false };
        self.journal.append(&Record::Run(run, launched));
        self.journal.flush();
        let spawned = self.spawner.spawn(&launch, Kin::Sibling);
        drop(launch);
        let handle = match spawned {
            Ok(handle) => handle,
            Err(error) => {
                self.retire(tree);
                self.journal.append(&Record::Over(run));
                return Err(error.to_string());
            }
        };
        let pid = handle.pid();
        let started = process::start_time(pid).unwrap_or_default();
        tree.led_by(pid, started);
        if let Some(name) = own_jail {
            tree.jailed(&name);
        }
        self.journal.append(&Record::Process(run, Watched { pid, started, leader: true }));
        self.began(service, &job, pid);
        let mut made = Run::new(id, name.clone(), job, about, Trunk::Own(tree));
        made.leader = Some(Process { pid, started, handle: Some(handle), by_keeper: true });
        made.notify = ears.notify;
        made.notify_fd = ears.notify_fd.map(|(reader, ..)| reader);
        self.runs.insert(run, made);
        self.event(Event::Executed(run));
        self.listen_to(run);
        Ok(())
    }

    pub(super) fn notify_path(&self, name: &Name, run: RunId) -> PathBuf {
        self.options.runtime.join("notify").join(tree_name(name, run))
    }

    /// Makes what a starting service says `ready` with. The keeper holds it too, for the next manager.
    fn ears(&mut self, run: RunId, service: &Service, job: &Job) -> Result<Ears, String> {
        let mut ears = Ears { notify: None, notify_fd: None };
        if *job != Job::Start {
            return Ok(ears);
        }
        let key = private_key(&service.name, run);
        let fault = |error: io::Error| format!("preparing to hear that it is ready: {error}");
        if service.ready == Ready::SdNotify || service.watchdog.is_some() {
            let path = self.notify_path(&service.name, run);
            let notify = Notify::bind(&path).map_err(fault)?;
            let kept = [notify.as_fd().try_clone_to_owned(), notify.as_fd().try_clone_to_owned()];
            self.keep(key, kept.into_iter().collect::<io::Result<_>>().map_err(fault)?);
            ears.notify = Some(notify);
        } else if let Ready::NotifyFd(number) = service.ready {
            let (reader, writer) = io::pipe().map_err(fault)?;
            files::set_nonblocking(reader.as_fd()).map_err(fault)?;
            let kept = [reader.try_clone().map(OwnedFd::from), writer.try_clone().map(OwnedFd::from)];
            self.keep(key, kept.into_iter().collect::<io::Result<_>>().map_err(fault)?);
            ears.notify_fd = Some((OwnedFd::from(reader).into(), writer.into(), number));
        }
        Ok(ears)
    }

    fn keep(&mut self, key: Option<Key>, fds: Vec<OwnedFd>) {
        if let Some(key) = key {
            self.keeper.send(link::Record::Store { key, size: 0, keep: 0 }, fds);
        }
    }

    pub(super) fn forget_ears(&mut self, run: RunId, name: &Name) {
        std::fs::remove_file(self.notify_path(name, run)).ok();
        if let Some(key) = private_key(name, run) {
            self.keeper.send(link::Record::Drop { key }, Vec::new());
        }
    }

    /// The pipe into which a service prints. The keeper holds both ends, so that no reader and no writer of it is the
    /// last.
    fn output_of(&mut self, service: &Service) -> Result<PipeWriter, String> {
        let fault = |error: io::Error| format!("preparing its log: {error}");
        if let Some(writer) = self.pipes.get(&service.name) {
            return writer.try_clone().map_err(fault);
        }
        let (reader, writer) = io::pipe().map_err(fault)?;
        let kept = vec![reader.into(), OwnedFd::from(writer.try_clone().map_err(fault)?)];
        if let Some(key) = Key::new(service.name.as_str()) {
            let record = link::Record::Store { key, size: service.log.size, keep: service.log.keep };
            self.keeper.send(record, kept);
        }
        self.pipes.insert(service.name.clone(), writer.try_clone().map_err(fault)?);
        Ok(writer)
    }

    /// The keeper gives back what an earlier manager had it keep.
    pub(super) fn kept(&mut self, key: &str, fds: [Option<OwnedFd>; 2]) {
        let [Some(first), Some(second)] = fds else { return };
        let Some(private) = key.strip_prefix(link::PRIVATE) else {
            if key == audit::LOG {
                self.audit_kept(PipeWriter::from(second));
            } else if let Ok(name) = Name::new(key) {
                self.pipes.entry(name).or_insert_with(|| PipeWriter::from(second));
            }
            return;
        };
        let Some(id) = self.runs.of_tree(private) else { return };
        let Some(run) = self.runs.get_mut(id) else { return };
        match self.core.service(run.service).ready {
            Ready::NotifyFd(_) => run.notify_fd = Some(first.into()),
            _ => run.notify = Notify::from_kept(first).ok(),
        }
        self.listen_to(id);
    }

    /// Watches what a run can say.
    fn listen_to(&mut self, id: RunId) {
        let Some(run) = self.runs.get(id) else { return };
        if let Some(notify) = &run.notify {
            self.poller.add(notify, Token::Notify(id).number(), Interest::READ).ok();
        }
        if let Some(reader) = &run.notify_fd {
            self.poller.add(reader, Token::NotifyFd(id).number(), Interest::READ).ok();
        }
        self.begin_probe(id);
    }

    pub(super) fn signal(&mut self, run: RunId, signal: Signal, reach: Reach) {
        if self.stop_configuring(run) {
            return;
        }
        let Some(run) = self.runs.get(run) else { return };
        let number = signals::number(signal);
        let told = match (reach, run.first().and_then(|process| process.handle.as_ref())) {
            (Reach::Leader, Some(handle)) => handle.signal(number),
            (Reach::Leader, None) | (Reach::Tree, _) => run.trunk.signal(number),
        };
        if let Err(error) = told.or_else(gone_is_well) {
            say(format!("{}: sending it {signal}: {error}", run.name));
        }
        // A stopped process hears nothing but KILL and CONT.
        if signal == Signal::Term {
            let cont = signals::number(Signal::Cont);
            match (reach, run.first().and_then(|process| process.handle.as_ref())) {
                (Reach::Leader, Some(handle)) => handle.signal(cont).ok(),
                (Reach::Leader, None) | (Reach::Tree, _) => run.trunk.signal(cont).ok(),
            };
        }
    }

    pub(super) fn kill(&mut self, id: RunId) {
        if self.stop_configuring(id) {
            return;
        }
        let Some(run) = self.runs.get(id) else { return };
        if let Err(error) = run.trunk.kill().or_else(gone_is_well) {
            say(format!("{}: killing its tree: {error}", run.name));
        }
        self.look_whether_empty(id);
    }

    /// The core counts on it no more; what is left of it is watched all the same.
    pub(super) fn leave(&mut self, id: RunId) {
        if let Some(run) = self.runs.get_mut(id) {
            run.left = true;
        }
        self.look_whether_empty(id);
    }
}

/// The keeper's key for what a run says `ready` with.
fn private_key(name: &Name, run: RunId) -> Option<Key> {
    Key::new(&format!("{}{}", link::PRIVATE, tree_name(name, run)))
}

/// Nobody to tell is what a signal to the dead amounts to.
fn gone_is_well(error: io::Error) -> io::Result<()> {
    const ESRCH: i32 = 3;
    if error.raw_os_error() == Some(ESRCH) { Ok(()) } else { Err(error) }
}
