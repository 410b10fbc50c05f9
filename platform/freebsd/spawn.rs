//! Launching a program: no copy of our memory, nothing inherited by accident, every failure with its stage.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::ptr;

use super::birth;
use super::child::{self, GROUPS_MAX, LimitPlan, Move, Plan, Step};
use super::failure::{Failure, with_complaint};
use super::given::{changes, descriptors, jail_of};
use super::line::Line;
use super::process::Handle;
use crate::Unsupported;
use crate::launch::{Launch, Passed, SpawnError, Stage, Terminal};
pub use crate::prepared::{Kin, Prepared, Resource};
use crate::prepared::{Tables, hold_signals, limit_of, make_sense, pointers, release_signals};
use crate::stack::Stack;

/// The names of svc.toml(5) and what they are here.
///
/// Source: getrlimit(2).
pub(crate) const RESOURCES: [Resource; 15] = [
    Resource { name: "address-space", number: libc::RLIMIT_AS },
    Resource { name: "core", number: libc::RLIMIT_CORE },
    Resource { name: "cpu-time", number: libc::RLIMIT_CPU },
    Resource { name: "data", number: libc::RLIMIT_DATA },
    Resource { name: "file-size", number: libc::RLIMIT_FSIZE },
    Resource { name: "kqueues", number: libc::RLIMIT_KQUEUES },
    Resource { name: "locked-memory", number: libc::RLIMIT_MEMLOCK },
    Resource { name: "open-files", number: libc::RLIMIT_NOFILE },
    Resource { name: "processes", number: libc::RLIMIT_NPROC },
    Resource { name: "pseudo-terminals", number: libc::RLIMIT_NPTS },
    Resource { name: "resident-memory", number: libc::RLIMIT_RSS },
    Resource { name: "socket-buffers", number: libc::RLIMIT_SBSIZE },
    Resource { name: "stack", number: libc::RLIMIT_STACK },
    Resource { name: "swap", number: libc::RLIMIT_SWAP },
    Resource { name: "umtx", number: libc::RLIMIT_UMTXP },
];

/// What is needed to launch, made once and used for every launch.
#[derive(Debug)]
pub struct Spawner {
    stack: Stack,
    /// `/dev/null`, what a standard descriptor is that nobody gives.
    null: OwnedFd,
    /// To whom siblings are left.
    line: Option<Line>,
}

impl Spawner {
    /// Makes ready.
    ///
    /// # Errors
    ///
    /// The kernel's own: no `/dev/null`, no descriptors left, no memory.
    ///
    /// Source: mmap(2).
    pub fn new() -> io::Result<Self> {
        let null = std::fs::File::options().read(true).write(true).open("/dev/null")?.into();
        Ok(Self { stack: Stack::new()?, null, line: None })
    }

    /// One for every way in which this system can launch, with its name; what tests and measurements compare.
    ///
    /// # Errors
    ///
    /// As for [`Self::new`].
    pub fn every_way() -> io::Result<Vec<(&'static str, Self)>> {
        Ok(vec![("rfork", Self::new()?)])
    }

    /// Siblings are launched through this line of a [`super::delegate::Delegate`] from now on.
    pub fn delegate_to(&mut self, line: OwnedFd) {
        self.line = Some(Line::new(line));
    }

    /// Launches a program. When this returns it is executed, or has failed and is gone.
    ///
    /// # Errors
    ///
    /// With the stage that failed and the kernel's word for it.
    ///
    /// Source: rfork(2), execve(2).
    pub fn spawn(&mut self, launch: &Launch<'_>, kin: Kin) -> Result<Handle, SpawnError> {
        let arguments = pointers(&launch.arguments);
        let environment = pointers(&launch.environment);
        self.launch(launch, (&arguments, &environment), &launch.pass, kin)
    }

    /// The same for what was prepared before; as our own child it takes no memory unless it fails.
    ///
    /// # Errors
    ///
    /// With the stage that failed and the kernel's word for it.
    ///
    /// Source: rfork(2), execve(2).
    pub fn spawn_prepared(&mut self, prepared: &Prepared, pass: &[Passed<'_>], kin: Kin) -> Result<Handle, SpawnError> {
        self.launch(&prepared.launch, (&prepared.arguments, &prepared.environment), pass, kin)
    }

    fn launch(
        &mut self,
        launch: &Launch<'_>,
        tables: Tables<'_>,
        pass: &[Passed<'_>],
        kin: Kin,
    ) -> Result<Handle, SpawnError> {
        make_sense(launch, pass)?;
        can_be_done(launch, kin)?;
        let made = match (kin, &mut self.line) {
            (Kin::Child, _) => {
                let jail = jail_of(launch).map_err(|source| Failure::jail(source).named(launch))?;
                let mut plan = plan_of(launch, tables);
                plan.enter_jail = jail.0;
                plan.make_jail(&jail.1);
                place(&mut plan, launch, pass, self.null.as_fd());
                self.run(&mut plan).and_then(|pid| Handle::open(pid).map_err(Failure::process))
            }
            (Kin::Sibling, Some(line)) => line.order(launch, pass, self.null.as_fd()),
            (Kin::Sibling, None) => Err(Failure::process(Unsupported { what: NOBODY_TO_ASK }.into())),
        };
        made.map_err(|failure| failure.named(launch))
    }

    /// The launch proper; gives the pid of our child.
    pub(super) fn run(&mut self, plan: &mut Plan) -> Result<i32, Failure> {
        let held = hold_signals().map_err(Failure::process)?;
        let born = birth::spawn(&mut self.stack, child::begin, ptr::from_mut(plan).cast());
        release_signals(&held);
        let pid = born.map_err(Failure::process)?;
        if plan.failed.0 == Step::Done {
            return Ok(pid);
        }
        collect(pid);
        let source = with_complaint(plan.errno, &plan.complaint);
        Err(Failure { step: plan.failed.0, part: plan.failed.1, source, pid: Some(pid) })
    }
}

const NOBODY_TO_ASK: &str = "a sibling where no keeper launches it";

/// Refuses what this system has no way to do.
fn can_be_done(launch: &Launch<'_>, kin: Kin) -> Result<(), SpawnError> {
    let refuse = |stage, what| Err(SpawnError { stage, source: Unsupported { what }.into(), pid: None });
    if launch.tree.is_some() {
        return refuse(Stage::Tree, "a tree that a process is born into");
    }
    if launch.terminal != Terminal::None && kin == Kin::Child {
        return refuse(Stage::Terminal, "a terminal shared with an own child");
    }
    if launch.oom_score.is_some() {
        return refuse(Stage::OomScore, "an oom score");
    }
    if launch.identity.as_ref().is_some_and(|identity| identity.gids.len() >= GROUPS_MAX) {
        return Err(SpawnError::preparing("its groups", "they are more than the system allows"));
    }
    Ok(())
}

/// Turns a launch into what the child works off. The tables must live as long as the plan is used.
fn plan_of(launch: &Launch<'_>, (arguments, environment): Tables<'_>) -> Plan {
    let mut plan = Plan::empty();
    for (place, (resource, limit)) in plan.limits.iter_mut().zip(&launch.limits) {
        *place = LimitPlan { resource: resource.number, value: limit_of(*limit) };
        plan.limit_count += 1;
    }
    plan.new_session = launch.new_session;
    plan.nice = launch.nice;
    plan.umask = launch.umask;
    let placement = &launch.placement;
    plan.processors = placement.mask();
    plan.login = placement.login.as_deref().map_or(ptr::null(), CStr::as_ptr);
    plan.login_class = placement.login_class.as_deref().map_or(ptr::null(), CStr::as_ptr);
    (plan.fib, plan.protect) = (placement.fib, placement.protect);
    plan.chroot = launch.chroot.as_deref().map_or(ptr::null(), CStr::as_ptr);
    plan.directory = launch.directory.as_deref().map_or(ptr::null(), CStr::as_ptr);
    if let Some(identity) = launch.identity.as_ref().filter(|identity| changes(identity)) {
        plan.become_other = true;
        (plan.uid, plan.gid) = (identity.uid, identity.gid);
        let all = std::iter::once(identity.gid).chain(identity.gids.iter().copied());
        for (place, gid) in plan.gids.iter_mut().zip(all) {
            *place = gid;
            plan.gid_count += 1;
        }
    }
    plan.program = launch.program.as_ptr();
    plan.arguments = arguments.as_ptr();
    plan.environment = environment.as_ptr();
    plan
}

fn place(plan: &mut Plan, launch: &Launch<'_>, pass: &[Passed<'_>], null: BorrowedFd<'_>) {
    for (place, (fd, target)) in plan.moves.iter_mut().zip(descriptors(launch, pass, null)) {
        *place = Move { source: fd.as_raw_fd(), target };
        plan.move_count += 1;
    }
}

/// Collects a child that is known to be ending.
fn collect(pid: i32) {
    // SAFETY: no status is asked for, so no memory is touched; the child is ours and has called _exit(2).
    while unsafe { libc::waitpid(pid, ptr::null_mut(), 0) } < 0 {
        if io::Error::last_os_error().raw_os_error() != Some(libc::EINTR) {
            return;
        }
    }
}
