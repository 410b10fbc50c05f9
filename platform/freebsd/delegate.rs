//! Launching for another process: here a child is always its maker's, so whoever is to be the parent must make it.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::ptr;

use super::child::{GROUPS_MAX, LimitPlan, MOVES_MAX, Move, NO_COMPLAINT, Plan};
use super::failure::Failure;
use super::foreground::Foreground;
use super::spawn::Spawner;
use crate::channel::{Channel, DESCRIPTORS_MAX, Descriptors};
use crate::freebsd_pure::order::{self, ORDER_BYTES_MAX, Order, Reply, STRINGS_MAX};
use crate::launch::{Mask, NUMBER_MAX};
use crate::prepared::LIMITS_MAX;
use crate::sys::own;

/// The record itself goes along as the first descriptor.
const _: () = assert!(MOVES_MAX < DESCRIPTORS_MAX);

/// What goes before the descriptors: the ticket and the length of the record.
const LETTER_BYTES: usize = 16;

/// Who launches for another process. Everything it needs is made with it; launching takes no memory.
#[derive(Debug)]
pub struct Delegate {
    line: Channel,
    order: Vec<u8>,
    strings: Vec<*const libc::c_char>,
    plan: Box<Plan>,
    foreground: Foreground,
}

impl Delegate {
    /// One, where siblings cannot be launched without it.
    ///
    /// # Errors
    ///
    /// The kernel's own: no descriptors left.
    ///
    /// Source: socketpair(2).
    pub fn new() -> io::Result<Option<Self>> {
        let order = vec![0; ORDER_BYTES_MAX];
        // The tables of arguments and of environment entries each end with a null.
        let strings = Vec::with_capacity(STRINGS_MAX + 2);
        let (plan, foreground) = (Box::new(Plan::empty()), Foreground::default());
        Ok(Some(Self { line: Channel::pair()?.0, order, strings, plan, foreground }))
    }

    /// A line for the process that is to ask, in place of the one before.
    ///
    /// # Errors
    ///
    /// The kernel's own: no descriptors left.
    ///
    /// Source: socketpair(2).
    pub fn line(&mut self) -> io::Result<OwnedFd> {
        let (ours, theirs) = Channel::pair()?;
        self.line = ours;
        Ok(theirs.into())
    }

    /// The other end of a line that somebody else has made, in place of the one before.
    pub fn take(&mut self, line: OwnedFd) {
        self.line = Channel::from(line);
    }

    /// Does what was asked for on the line so far. What is no order is passed over.
    pub fn serve(&mut self, spawner: &mut Spawner) {
        let mut letter = [0; LETTER_BYTES];
        loop {
            match self.line.receive(&mut letter) {
                Ok(Some(received)) if received.length == LETTER_BYTES => {
                    let [t0, t1, t2, t3, t4, t5, t6, t7, length @ ..] = letter;
                    let ticket = u64::from_ne_bytes([t0, t1, t2, t3, t4, t5, t6, t7]);
                    let made = self.launch(u64::from_ne_bytes(length), &received.descriptors, spawner);
                    let reply = match made {
                        Ok(pid) => Reply { ticket, pid, step: (0, 0), errno: 0, complaint: NO_COMPLAINT },
                        Err(failure) => {
                            let errno = failure.source.raw_os_error().unwrap_or(libc::EINVAL);
                            let step = (failure.step as u32, failure.part);
                            Reply { ticket, pid: 0, step, errno, complaint: self.plan.complaint }
                        }
                    };
                    // Who does not read its answers gets none.
                    let _unread = self.line.send(&reply.write(), &[]);
                }
                Ok(Some(_)) => {}
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {}
                Ok(None) | Err(_) => return,
            }
        }
    }

    fn launch(&mut self, length: u64, fds: &Descriptors, spawner: &mut Spawner) -> Result<i32, Failure> {
        let refused = || Failure::process(io::Error::from_raw_os_error(libc::EINVAL));
        let [Some(record), fds @ ..] = fds else { return Err(refused()) };
        let length = usize::try_from(length).map_err(|_| refused())?;
        let bytes = self.order.get_mut(..length).ok_or_else(refused)?;
        read_exactly(record, bytes).map_err(Failure::process)?;
        let order = Order::read(bytes).ok_or_else(refused)?;
        let plan = &mut *self.plan;
        *plan = Plan::empty();
        plan_of(&order, plan, &mut self.strings).ok_or_else(refused)?;
        for ((place, target), fd) in plan.moves.iter_mut().zip(order.targets()).zip(fds) {
            let fd = fd.as_ref().filter(|_| (0..=NUMBER_MAX).contains(&target)).ok_or_else(refused)?;
            *place = Move { source: fd.as_raw_fd(), target };
            plan.move_count += 1;
        }
        if order.has(order::BRINGS) {
            let terminal = plan.moves.iter().find(|step| step.target == 0).map(|step| step.source);
            return self.foreground.bring(terminal.ok_or_else(refused)?, plan, spawner);
        }
        if order.has(order::SHARES) {
            self.foreground.share(plan);
        }
        spawner.run(plan)
    }

    /// A child has ended, and still has its number: if it had brought a terminal, our session has none any more.
    pub fn ended(&mut self, pid: i32) {
        self.foreground.ended(pid);
    }
}

impl AsFd for Delegate {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.line.as_fd()
    }
}

/// Without a file of the standard library's, which would close it.
fn read_exactly(record: &OwnedFd, bytes: &mut [u8]) -> io::Result<()> {
    let file = std::mem::ManuallyDrop::new(File::from(own_again(record)));
    file.read_exact_at(bytes, 0)
}

/// The same descriptor once more; whoever gets it must not close it.
fn own_again(fd: &OwnedFd) -> OwnedFd {
    own(fd.as_raw_fd())
}

/// Turns an order into what the child works off, all of it in memory that is there already. `None`: it asks for more
/// than there may be.
fn plan_of(order: &Order<'_>, plan: &mut Plan, strings: &mut Vec<*const libc::c_char>) -> Option<()> {
    let head = order.head;
    let many = head.limits as usize > LIMITS_MAX || head.moves as usize > MOVES_MAX || head.gids as usize > GROUPS_MAX;
    if many || order.string_count() > STRINGS_MAX {
        return None;
    }
    plan.new_session = order.has(order::NEW_SESSION);
    plan.nice = order.has(order::NICE).then_some(head.nice);
    plan.umask = order.has(order::UMASK).then_some(head.umask);
    plan.become_other = order.has(order::IDENTITY);
    (plan.uid, plan.gid) = (head.uid, head.gid);
    plan.gid_count = head.gids as usize;
    plan.gids.iter_mut().zip(order.gids()).for_each(|(place, gid)| *place = gid);
    plan.limit_count = head.limits as usize;
    for (place, (resource, soft, hard)) in plan.limits.iter_mut().zip(order.limits()) {
        let value = libc::rlimit { rlim_cur: soft.cast_signed(), rlim_max: hard.cast_signed() };
        *place = LimitPlan { resource, value };
    }
    plan.fib = order.has(order::FIB).then_some(head.fib);
    plan.protect = order.has(order::PROTECT);
    plan.processors = (head.mask > 0).then(|| {
        let mut mask = Mask::default();
        mask.iter_mut().zip(order.mask()).for_each(|(place, word)| *place = word);
        mask
    });
    plan.enter_jail = head.enter_jail;
    plan.make_jail(order.jail());
    let mut next = order.strings().map(|text| text.as_ptr().cast::<libc::c_char>());
    plan.program = next.next()?;
    plan.chroot = if order.has(order::CHROOT) { next.next()? } else { ptr::null() };
    plan.directory = if order.has(order::DIRECTORY) { next.next()? } else { ptr::null() };
    plan.login = if order.has(order::LOGIN) { next.next()? } else { ptr::null() };
    plan.login_class = if order.has(order::LOGIN_CLASS) { next.next()? } else { ptr::null() };
    strings.clear();
    strings.extend(next.by_ref().take(head.arguments as usize));
    strings.push(ptr::null());
    let environment = strings.len();
    strings.extend(next);
    strings.push(ptr::null());
    plan.arguments = strings.as_ptr();
    plan.environment = strings.get(environment..)?.as_ptr();
    Some(())
}
