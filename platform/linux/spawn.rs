//! Launching a program: no copy of our memory, nothing inherited by accident, every failure with its stage.

use std::ffi::CStr;
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::ptr;

use super::child::{self, LimitPlan, MOVES_MAX, Move, Plan, Step};
use super::clone::{self, Birth, Born, Stack};
use super::process::Handle;
use crate::Unsupported;
use crate::launch::{Launch, NUMBER_MAX, Passed, SpawnError, Stage, Terminal};
pub use crate::prepared::{Kin, Prepared, Resource};
use crate::prepared::{Tables, hold_signals, limit_of, make_sense, pointers, release_signals};
use crate::sys::{check, own};

/// The names of svc.toml(5) and what they are here.
///
/// Source: getrlimit(2).
pub(crate) const RESOURCES: [Resource; 15] = [
    Resource { name: "address-space", number: libc::RLIMIT_AS as i32 },
    Resource { name: "core", number: libc::RLIMIT_CORE as i32 },
    Resource { name: "cpu-time", number: libc::RLIMIT_CPU as i32 },
    Resource { name: "data", number: libc::RLIMIT_DATA as i32 },
    Resource { name: "file-locks", number: libc::RLIMIT_LOCKS as i32 },
    Resource { name: "file-size", number: libc::RLIMIT_FSIZE as i32 },
    Resource { name: "locked-memory", number: libc::RLIMIT_MEMLOCK as i32 },
    Resource { name: "message-queues", number: libc::RLIMIT_MSGQUEUE as i32 },
    Resource { name: "nice-ceiling", number: libc::RLIMIT_NICE as i32 },
    Resource { name: "open-files", number: libc::RLIMIT_NOFILE as i32 },
    Resource { name: "pending-signals", number: libc::RLIMIT_SIGPENDING as i32 },
    Resource { name: "processes", number: libc::RLIMIT_NPROC as i32 },
    Resource { name: "realtime-priority", number: libc::RLIMIT_RTPRIO as i32 },
    Resource { name: "resident-memory", number: libc::RLIMIT_RSS as i32 },
    Resource { name: "stack", number: libc::RLIMIT_STACK as i32 },
];

/// How the child gets its table of descriptors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Table {
    /// The kernel copies all of ours at birth.
    Copied,
    /// The child begins with ours and takes the lowest few with it: the cost does not grow with what we have open.
    Shared,
}

/// What is needed to launch, made once and used for every launch.
#[derive(Debug)]
pub struct Spawner {
    stack: Stack,
    /// `/dev/null`, what an empty slot holds.
    null: OwnedFd,
    /// Where descriptors are put for the child: above every number that they get there, low enough for a short table.
    slots: Vec<OwnedFd>,
    table: Table,
    /// Whether clone3(2) is allowed here; found out by the first launch.
    modern: bool,
}

/// Slots lie from here on.
const SLOT_FIRST: RawFd = NUMBER_MAX + 1;
/// Slots that came to lie above this are not worth sharing the table.
const SLOT_HIGHEST: RawFd = 255;

impl Spawner {
    /// Makes ready. To be called early, while low descriptors are free.
    ///
    /// # Errors
    ///
    /// The kernel's own: no `/dev/null`, no descriptors left, no memory.
    ///
    /// Source: mmap(2), fcntl(2).
    pub fn new() -> io::Result<Self> {
        let null: OwnedFd = std::fs::File::options().read(true).write(true).open("/dev/null")?.into();
        let slots = (0..MOVES_MAX).map(|_| slot(null.as_fd())).collect::<io::Result<Vec<_>>>()?;
        let low = slots.iter().all(|slot| slot.as_raw_fd() <= SLOT_HIGHEST);
        let table = if low { Table::Shared } else { Table::Copied };
        Ok(Self { stack: Stack::new()?, null, slots, table, modern: true })
    }

    /// One for every way in which this system can launch, with its name; what tests and measurements compare.
    ///
    /// # Errors
    ///
    /// As for [`Self::new`].
    pub fn every_way() -> io::Result<Vec<(&'static str, Self)>> {
        let ways = [
            ("clone3, shared table", Table::Shared, true),
            ("clone3, copied table", Table::Copied, true),
            ("clone, shared table", Table::Shared, false),
            ("clone, copied table", Table::Copied, false),
        ];
        let way = |(name, table, modern)| Ok((name, Self { table, modern, ..Self::new()? }));
        ways.into_iter().map(way).collect()
    }

    /// Siblings are launched through this line of a [`super::delegate::Delegate`] where the system needs one. Here they
    /// are born siblings, so nobody is asked.
    pub fn delegate_to(&mut self, line: OwnedFd) {
        drop(line);
    }

    /// Launches a program. When this returns it is executed, or has failed and is gone.
    ///
    /// # Errors
    ///
    /// With the stage that failed and the kernel's word for it.
    ///
    /// Source: clone(2), execve(2), credentials(7).
    pub fn spawn(&mut self, launch: &Launch<'_>, kin: Kin) -> Result<Handle, SpawnError> {
        let arguments = pointers(&launch.arguments);
        let environment = pointers(&launch.environment);
        self.launch(launch, (&arguments, &environment), &launch.pass, kin)
    }

    /// The same for what was prepared before; it takes no memory unless it fails.
    ///
    /// # Errors
    ///
    /// With the stage that failed and the kernel's word for it.
    ///
    /// Source: clone(2), execve(2).
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
        can_be_done(launch)?;
        let mut plan = plan_of(launch, tables);
        let staged = self.stage(launch, pass, &mut plan);
        let result =
            staged.and_then(|()| self.run(&mut plan, launch.tree, kin).map_err(|failure| failure.named(&plan, launch)));
        self.unstage(&plan);
        result
    }

    /// Puts every descriptor to be passed into a slot, where nothing the child does to its low numbers can touch it.
    fn stage(&self, launch: &Launch<'_>, pass: &[Passed<'_>], plan: &mut Plan) -> Result<(), SpawnError> {
        let standard = [(launch.stdin, 0), (launch.stdout, 1), (launch.stderr, 2)];
        let passed = pass.iter().map(|passed| (Some(passed.fd), passed.number));
        let all = standard.into_iter().chain(passed);
        for ((fd, target), (slot, place)) in all.zip(self.slots.iter().zip(plan.moves.iter_mut())) {
            plan.move_count += 1;
            *place = Move { source: slot.as_raw_fd(), target };
            if let Some(fd) = fd {
                place_in(fd, slot).map_err(|source| SpawnError { stage: Stage::Descriptors, source, pid: None })?;
            }
        }
        Ok(())
    }

    /// Empties the slots, so that we do not hold open what the child is to close.
    fn unstage(&self, plan: &Plan) {
        for (slot, _) in self.slots.iter().zip(plan.moves.iter().take(plan.move_count)) {
            // Both descriptors are ours and open, so it cannot fail.
            let _emptied = place_in(self.null.as_fd(), slot);
        }
    }

    /// The launch proper.
    fn run(&mut self, plan: &mut Plan, tree: Option<BorrowedFd<'_>>, kin: Kin) -> Result<Handle, Failure> {
        let share_table = self.table == Table::Shared;
        let end = self.slots.iter().map(AsRawFd::as_raw_fd).max().map_or(0, |highest| highest.unsigned_abs() + 1);
        plan.leave_table_at = share_table.then_some(end);
        let birth = Birth { sibling: kin == Kin::Sibling, share_table, cgroup: tree.as_ref().map(AsRawFd::as_raw_fd) };
        let held = hold_signals().map_err(Failure::process)?;
        let born = self.give_birth(plan, birth, tree);
        release_signals(&held);
        let born = born?;
        if plan.failed == Step::Done {
            return Ok(Handle::new(born.pid, born.pidfd));
        }
        if kin == Kin::Child {
            collect(born.pid);
        }
        if plan.failed == Step::Table && plan.errno != libc::EMFILE {
            // Before Linux 5.9 there is no way out of a shared table: from now on without.
            self.table = Table::Copied;
            plan.failed = Step::Done;
            return self.run(plan, tree, kin);
        }
        let source = io::Error::from_raw_os_error(plan.errno);
        Err(Failure { step: plan.failed, source, pid: Some(born.pid) })
    }

    fn give_birth(&mut self, plan: &mut Plan, birth: Birth, tree: Option<BorrowedFd<'_>>) -> Result<Born, Failure> {
        let address = ptr::from_mut(plan).cast();
        if self.modern {
            let error = match clone::modern(birth, &mut self.stack, child::begin, address) {
                Ok(born) => return Ok(born),
                Err(error) => error,
            };
            match error.raw_os_error() {
                Some(libc::ENOSYS | libc::EPERM | libc::E2BIG | libc::EINVAL) => self.modern = false,
                Some(libc::EACCES | libc::EBUSY | libc::ENODEV | libc::ENOENT | libc::EOPNOTSUPP | libc::EBADF) => {
                    return Err(Failure { step: Step::Cgroup, source: error, pid: None });
                }
                _ => return Err(Failure::process(error)),
            }
        }
        let procs = match tree {
            Some(tree) => Some(super::cgroup::open_procs(tree).map_err(|source| Failure {
                step: Step::Cgroup,
                source,
                pid: None,
            })?),
            None => None,
        };
        // The file must survive the end of the shared table, so it lies low; a slot of its own is not worth having.
        let share_table = birth.share_table && procs.is_none();
        if !share_table {
            plan.leave_table_at = None;
        }
        plan.cgroup_procs = procs.as_ref().map(AsRawFd::as_raw_fd);
        let birth = Birth { cgroup: None, share_table, ..birth };
        let address = ptr::from_mut(plan).cast();
        clone::classic(birth, &mut self.stack, child::begin, address).map_err(Failure::process)
    }
}

/// Why a launch failed, before it has a name.
#[derive(Debug)]
struct Failure {
    step: Step,
    source: io::Error,
    pid: Option<i32>,
}

impl Failure {
    fn process(source: io::Error) -> Self {
        Self { step: Step::Done, source, pid: None }
    }

    fn named(self, plan: &Plan, launch: &Launch<'_>) -> SpawnError {
        let text = |path: Option<&CStr>| path.map_or_else(String::new, |path| path.to_string_lossy().into_owned());
        let stage = match self.step {
            Step::Done => Stage::Process,
            Step::Cgroup => Stage::Tree,
            Step::Session => Stage::Session,
            Step::Limit(place) => Stage::Limit(launch.limits.get(place).map_or("", |limit| limit.0.name)),
            Step::Nice => Stage::Nice,
            Step::Processors => Stage::Processors,
            Step::OomScore => Stage::OomScore,
            Step::Chroot => Stage::Chroot(text(launch.chroot.as_deref())),
            Step::Directory => Stage::Directory(text(launch.directory.as_deref())),
            // Who may not set groups may not become anybody else; that is what an operator wants to hear.
            Step::Groups if self.source.kind() == io::ErrorKind::PermissionDenied => Stage::User(plan.uid),
            Step::Groups => Stage::Groups,
            Step::Group => Stage::Group(plan.gid),
            Step::User => Stage::User(plan.uid),
            Step::Table | Step::Descriptors => Stage::Descriptors,
            Step::Program => Stage::Program(text(Some(&launch.program))),
        };
        SpawnError { stage, source: self.source, pid: self.pid }
    }
}

/// Refuses what this system has no way to do.
fn can_be_done(launch: &Launch<'_>) -> Result<(), SpawnError> {
    let refuse = |stage, what| Err(SpawnError { stage, source: Unsupported { what }.into(), pid: None });
    let placement = &launch.placement;
    if let Some(jail) = &launch.jail {
        return refuse(Stage::Jail(jail.name().to_owned()), "a jail");
    }
    if let Some(class) = &placement.login_class {
        return refuse(Stage::LoginClass(class.to_string_lossy().into_owned()), "a login class");
    }
    if let Some(number) = placement.fib {
        return refuse(Stage::Fib(number), "a routing table by number");
    }
    if launch.terminal != Terminal::None {
        return refuse(Stage::Terminal, "a terminal shared with whoever launches");
    }
    if placement.protect {
        return refuse(Stage::Protect, "a process that is never killed for want of memory");
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
    plan.processors = launch.placement.mask();
    plan.umask = launch.umask;
    if let Some(score) = launch.oom_score {
        let mut room = plan.oom_score.as_mut_slice();
        // At most 5 bytes, there is room for 8.
        let _fits = write!(room, "{score}");
        plan.oom_score_length = 8 - room.len();
    }
    plan.chroot = launch.chroot.as_deref().map_or(ptr::null(), CStr::as_ptr);
    plan.directory = launch.directory.as_deref().map_or(ptr::null(), CStr::as_ptr);
    if let Some(identity) = &launch.identity {
        let (uid, gid) = (nix::unistd::geteuid(), nix::unistd::getegid());
        let same = uid.as_raw() == identity.uid && gid.as_raw() == identity.gid;
        // Who is not root may still be asked to be what it is already.
        plan.become_other = uid.is_root() || !same;
        plan.uid = identity.uid;
        plan.gid = identity.gid;
        plan.gids = identity.gids.as_ptr();
        plan.gid_count = identity.gids.len();
    }
    plan.program = launch.program.as_ptr();
    plan.arguments = arguments.as_ptr();
    plan.environment = environment.as_ptr();
    plan
}

/// A descriptor above every number a child may ask for.
fn slot(null: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    // SAFETY: duplicates a descriptor of ours; touches no memory.
    let fd = check(unsafe { libc::fcntl(null.as_raw_fd(), libc::F_DUPFD_CLOEXEC, SLOT_FIRST) })?;
    Ok(own(fd))
}

fn place_in(fd: BorrowedFd<'_>, slot: &OwnedFd) -> io::Result<()> {
    // SAFETY: the slot is ours and holds nothing that anybody else knows by its number.
    check(unsafe { libc::dup3(fd.as_raw_fd(), slot.as_raw_fd(), libc::O_CLOEXEC) })?;
    Ok(())
}

/// Collects a child that is known to be ending.
fn collect(pid: i32) {
    // SAFETY: no status is asked for, so no memory is touched; the child is ours and has called _exit(2).
    while unsafe { libc::waitpid(pid, ptr::null_mut(), libc::__WALL) } < 0 {
        if io::Error::last_os_error().raw_os_error() != Some(libc::EINTR) {
            return;
        }
    }
}
