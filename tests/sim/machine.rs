//! The machine and the daemon: processes that do as real ones do, and the news of them in the order that core expects.

use svc_core::run::{Reach, Signal};
use svc_core::service::{Kind, Ready, Service};
use svc_core::{Event, Exit, Job, Name, RunId, ServiceId};

use crate::world::{Plan, World};

/// What is left when the program launched has returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remains {
    /// The service.
    Daemon,
    /// Nothing of interest.
    Others,
}

/// All processes of one run.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    pub(crate) name: Name,
    pub(crate) job: Job,
    /// It exists; until then its launch is on the way, or has failed and nobody was told.
    pub(crate) born: bool,
    /// The main process is there: the program launched, later the daemon that it left.
    pub(crate) main: bool,
    /// Others are there.
    pub(crate) kids: bool,
    pub(crate) kind: Remains,
    /// The program launched leaves a daemon when it returns.
    pub(crate) forks: bool,
    /// The program launched has not returned yet.
    launching: bool,
    /// The main process ignores the stop signal.
    deaf: bool,
    /// The others do.
    deaf_kids: bool,
    /// It does not say that it is alive.
    silent: bool,
    /// Core left it behind.
    pub(crate) left: bool,
    /// Core had it killed.
    pub(crate) killed: bool,
    /// Up to when news of it is on its way; later news comes later.
    told_at: u64,
}

impl Tree {
    /// The processes of a launch, with nothing odd about them.
    pub(crate) fn plain(name: Name, job: Job, kind: Remains, now: u64) -> Self {
        Self {
            name,
            job,
            born: true,
            main: true,
            kids: false,
            kind,
            forks: false,
            launching: false,
            deaf: false,
            deaf_kids: false,
            silent: false,
            left: false,
            killed: false,
            told_at: now,
        }
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.born && (self.main || self.kids)
    }
}

/// What happens to the processes of a run.
#[derive(Clone, Debug)]
pub(crate) enum Deed {
    /// The program launched returns.
    Return(i32),
    /// The main process ends.
    Die(Exit),
    /// The others end.
    Scatter,
    /// All end at once.
    Perish,
    /// It serves.
    Serve,
    /// It says that it is alive, and will again.
    Beat(u64),
    /// It says this.
    Say(Event),
}

impl World {
    /// News of one run, never overtaking earlier news of it.
    fn tell_of(&mut self, run: RunId, most: u64, event: Event) {
        let delay = self.dice.roll(most + 1);
        let now = self.now;
        let Some(tree) = self.trees.get_mut(&run) else { return };
        tree.told_at = tree.told_at.max(now + delay);
        let after = tree.told_at - now;
        self.tell(after, event);
    }

    pub(crate) fn deed(&mut self, after: u64, run: RunId, deed: Deed) {
        self.plan(after, Plan::Deed(run, deed));
    }

    /// Something bad happens, once in so many times, unless the weather is calm.
    fn bad(&mut self, sides: u64) -> bool {
        !self.is_calm && self.dice.once_in(sides)
    }

    /// Something that never ends, where nothing has patience without end.
    fn endless(&mut self, sides: u64) -> bool {
        !self.is_patient && self.bad(sides)
    }

    pub(crate) fn spawn(&mut self, run: RunId, id: ServiceId, job: Job, about: Option<RunId>) {
        self.totals.launches += 1;
        if self.is_settled {
            return self.settled_spawn(run, id, job, about);
        }
        let service = self.core.service(id).clone();
        let forking = job == Job::Start && matches!(service.kind, Kind::Forking { .. } | Kind::Script(_));
        let tree = Tree {
            name: service.name.clone(),
            job: job.clone(),
            born: true,
            main: true,
            kids: self.bad(4),
            kind: if forking { Remains::Daemon } else { Remains::Others },
            forks: false,
            launching: forking,
            deaf: self.endless(6),
            deaf_kids: self.endless(5),
            silent: self.bad(3),
            left: false,
            killed: false,
            told_at: self.now,
        };
        assert!(self.trees.insert(run, tree).is_none(), "{run:?} came twice");
        if self.bad(15) {
            self.stillborn(run, Event::SpawnFailed(run, String::from("no such file")), 3);
            return;
        }
        if job == Job::Start && self.bad(20) {
            self.stillborn(run, Event::NotHere(run, String::from("no path /x")), 2_000);
            return;
        }
        self.tell_of(run, 5, Event::Executed(run));
        match job {
            Job::Start => self.start(run, &service),
            Job::Stop => self.stop_command(run, about, service.is_script()),
            Job::Reload => self.errand(run),
            Job::Verb(_) | Job::Instead(_) => self.verb(run, about),
            Job::Before(_) | Job::After(_) => self.errand(run),
        }
    }

    /// A daemon that runs already.
    pub(crate) fn found(&mut self, run: RunId, id: ServiceId) {
        let name = self.core.service(id).name.clone();
        let (kids, deaf_kids, silent) = (self.bad(4), self.endless(5), self.bad(3));
        let tree = Tree { kids, deaf_kids, silent, ..Tree::plain(name, Job::Start, Remains::Daemon, self.now) };
        self.trees.insert(run, tree);
        self.live(run);
    }

    /// A run that was written down and never launched.
    pub(crate) fn never_was(&mut self, run: RunId, id: ServiceId) {
        self.found(run, id);
        self.stillborn(run, Event::Emptied(run), 0);
    }

    fn stillborn(&mut self, run: RunId, event: Event, most: u64) {
        let tree = self.trees.get_mut(&run).expect("it was just made");
        tree.born = false;
        self.tell_of(run, most, event);
    }

    fn start(&mut self, run: RunId, service: &Service) {
        if service.watchdog.is_some() {
            let pause = service.watchdog.map_or(0, |limit| limit.as_millis() as u64 / 2);
            self.deed(pause, run, Deed::Beat(pause));
        }
        match &service.kind {
            Kind::Group => panic!("a group was launched"),
            Kind::Process => {
                if service.ready != Ready::Executed {
                    self.serve_later(run);
                }
                self.live(run);
            }
            Kind::Oneshot => self.return_later(run, &[0, 0, 0, 1], false),
            Kind::Forking { .. } => {
                let forks = !self.bad(6);
                self.return_later(run, &[0, 0, 0, 1], forks);
            }
            Kind::Script(script) => {
                let forks = if script.daemon { !self.bad(6) } else { self.dice.once_in(3) };
                self.return_later(run, &[0, 0, 0, 0, 0, 1, 1, 5, 6], forks);
            }
        }
    }

    fn serve_later(&mut self, run: RunId) {
        if !self.endless(6) {
            let most = if self.is_calm { 300 } else { 3_000 };
            let after = self.dice.roll(most);
            self.deed(after, run, Deed::Serve);
        }
    }

    fn return_later(&mut self, run: RunId, codes: &[i32], forks: bool) {
        let code = if self.is_calm { 0 } else { *self.dice.pick(codes) };
        self.trees.get_mut(&run).expect("it was just made").forks = forks;
        if !self.endless(12) {
            let after = self.dice.roll(if self.is_calm { 100 } else { 1_500 });
            self.deed(after, run, Deed::Return(code));
        }
    }

    /// What may become of a daemon.
    fn live(&mut self, run: RunId) {
        if self.bad(2) {
            let exit = *self.dice.pick(&[Exit::Code(0), Exit::Code(1), Exit::Signal(11), Exit::Unknown]);
            let after = self.dice.roll(20_000);
            self.deed(after, run, Deed::Die(exit));
        }
        if self.bad(3) {
            let more = self.dice.span(0, 5_000);
            let event = match self.dice.roll(5) {
                0 => Event::Reloading(run),
                1 => Event::Stopping(run),
                2 => Event::Extend(run, more),
                3 => Event::Ready(run),
                _ => Event::Unwell(run, String::from("not well")),
            };
            let after = self.dice.roll(10_000);
            self.deed(after, run, Deed::Say(event));
        }
        if self.dice.once_in(2) {
            let after = self.dice.roll(30_000);
            self.deed(after, run, Deed::Scatter);
        }
    }

    fn stop_command(&mut self, run: RunId, about: Option<RunId>, is_script: bool) {
        let lies = self.bad(5);
        if let Some(main) = about.filter(|_| !lies) {
            let after = self.dice.roll(100);
            self.deed(after, main, Deed::Die(Exit::Code(0)));
            if is_script && self.dice.once_in(2) {
                self.deed(after, main, Deed::Scatter);
            }
        }
        self.return_later(run, &[0, 0, 0, 1], false);
    }

    fn errand(&mut self, run: RunId) {
        self.return_later(run, &[0, 0, 1], false);
    }

    /// A script's verb may leave a new daemon, and may end the old one for it.
    fn verb(&mut self, run: RunId, about: Option<RunId>) {
        let forks = self.dice.once_in(3);
        self.return_later(run, &[0, 0, 3], forks);
        if let Some(main) = about.filter(|_| self.dice.once_in(2)) {
            let after = self.dice.roll(2_000);
            self.deed(after, main, Deed::Die(Exit::Code(0)));
        }
    }

    pub(crate) fn happen(&mut self, run: RunId, deed: Deed) {
        if self.is_settled {
            return self.settled_happen(run, deed);
        }
        let Some(tree) = self.trees.get_mut(&run).filter(|tree| tree.is_alive()) else { return };
        match deed {
            Deed::Return(code) if tree.main => {
                // Whatever a start leaves is what the daemon takes for the service.
                let remains = tree.kids && tree.kind == Remains::Daemon;
                tree.main = code == 0 && (tree.forks || remains);
                tree.kids &= !tree.main || tree.forks;
                tree.forks = false;
                tree.launching = false;
                self.ended(run, Exit::Code(code));
                let tree = &self.trees[&run];
                if tree.main && tree.job == Job::Start {
                    self.serve_later(run);
                    self.live(run);
                }
            }
            Deed::Die(exit) if tree.main => {
                tree.main = false;
                tree.forks = false;
                // A start that is ended from outside does not return with success.
                let exit = if tree.launching { Exit::Signal(15) } else { exit };
                self.ended(run, exit);
            }
            Deed::Scatter if tree.kids => {
                tree.kids = false;
                self.vanished(run);
            }
            Deed::Perish => {
                let main = core::mem::take(&mut tree.main);
                tree.kids = false;
                if main { self.ended(run, Exit::Signal(9)) } else { self.vanished(run) }
            }
            Deed::Serve if tree.main => self.tell_of(run, 2, Event::Ready(run)),
            Deed::Beat(pause) if tree.main => {
                if !tree.silent {
                    self.tell_of(run, 2, Event::Alive(run));
                }
                self.deed(pause, run, Deed::Beat(pause));
            }
            Deed::Say(event) if tree.main => {
                if matches!(event, Event::Stopping(_)) {
                    let after = self.dice.roll(300);
                    self.deed(after, run, Deed::Die(Exit::Code(0)));
                }
                self.tell_of(run, 2, event);
            }
            Deed::Return(_) | Deed::Die(_) | Deed::Scatter | Deed::Serve | Deed::Beat(_) | Deed::Say(_) => {}
        }
    }

    /// The main process ended; now and then nobody sees how.
    fn ended(&mut self, run: RunId, exit: Exit) {
        let unseen = self.bad(40);
        if !unseen || self.trees[&run].is_alive() {
            self.tell_of(run, 20, Event::Exited(run, exit));
        }
        self.vanished(run);
    }

    fn vanished(&mut self, run: RunId) {
        if !self.trees[&run].is_alive() {
            self.tell_of(run, 20, Event::Emptied(run));
        }
    }

    pub(crate) fn signal(&mut self, run: RunId, signal: Signal, reach: Reach) {
        if self.is_settled {
            return self.settled_signal(run, signal);
        }
        let most = if self.is_calm { 300 } else { 1_500 };
        if self.buried.contains(&run) {
            return;
        }
        let tree = self.trees.get(&run).unwrap_or_else(|| panic!("a signal to {run:?}, which is nobody"));
        // Among events that come together a run may be taken up again and told to end.
        assert!(!tree.left || self.is_together, "a signal to {run:?}, which was left behind");
        let (main, kids) = (tree.main && !tree.deaf, tree.kids && !tree.deaf_kids);
        if signal == Signal::Hup {
            if self.dice.once_in(3) {
                self.deed(5, run, Deed::Say(Event::Reloading(run)));
                self.deed(50, run, Deed::Say(Event::Ready(run)));
            }
            return;
        }
        if main {
            let after = self.dice.roll(most);
            self.deed(after, run, Deed::Die(Exit::Signal(15)));
        }
        if kids && reach == Reach::Tree {
            let after = self.dice.roll(most);
            self.deed(after, run, Deed::Scatter);
        }
    }

    /// A kill works at once, but for a process that the kernel holds on to.
    pub(crate) fn kill(&mut self, run: RunId) {
        if self.is_settled {
            return self.settled_kill(run);
        }
        let after = if self.bad(20) { 7_000 } else { self.dice.roll(20) };
        let escapes = self.bad(30);
        let Some(tree) = self.trees.get_mut(&run) else { return };
        // What forks as fast as it is killed may escape once, where it is killed again.
        if escapes && tree.job == Job::Start && !tree.left {
            return;
        }
        tree.killed = true;
        self.deed(after, run, Deed::Perish);
    }

    pub(crate) fn leave(&mut self, run: RunId) {
        let Some(tree) = self.trees.get_mut(&run) else { return };
        tree.left = true;
        if tree.main && matches!(tree.job, Job::Verb(_) | Job::Instead(_)) {
            self.tell_of(run, 50, Event::Remains(run));
        }
    }

    /// A run of which the core hears for the last time.
    pub(crate) fn bury(&mut self, event: &Event) {
        if let Event::Emptied(run) | Event::SpawnFailed(run, _) | Event::NotHere(run, _) = event {
            self.trees.remove(run);
            self.buried.insert(*run);
        }
    }
}
