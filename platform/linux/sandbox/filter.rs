//! Which system calls a confined process may make: a short program for the kernel.

use libc::{c_long, sock_filter};

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// It is done.
    Allow,
    /// We are asked.
    Ask,
    /// It fails with this number.
    Fail(i32),
}

/// What a process may not do whoever it is, since it would reach beyond its place. The watcher is asked, and says no.
const HARM: &[(c_long, &str)] = &[
    (libc::SYS_clock_settime, "clock_settime"),
    (libc::SYS_settimeofday, "settimeofday"),
    (libc::SYS_adjtimex, "adjtimex"),
    (libc::SYS_clock_adjtime, "clock_adjtime"),
    (libc::SYS_init_module, "init_module"),
    (libc::SYS_finit_module, "finit_module"),
    (libc::SYS_delete_module, "delete_module"),
    (libc::SYS_reboot, "reboot"),
    (libc::SYS_kexec_load, "kexec_load"),
    (KEXEC_FILE_LOAD, "kexec_file_load"),
    (libc::SYS_swapon, "swapon"),
    (libc::SYS_swapoff, "swapoff"),
    (libc::SYS_acct, "acct"),
    (libc::SYS_quotactl, "quotactl"),
    (QUOTACTL_FD, "quotactl_fd"),
    (libc::SYS_pivot_root, "pivot_root"),
    (libc::SYS_syslog, "syslog"),
    (libc::SYS_sethostname, "sethostname"),
    (libc::SYS_setdomainname, "setdomainname"),
    (libc::SYS_vhangup, "vhangup"),
    (libc::SYS_sched_setattr, "sched_setattr"),
    (libc::SYS_sched_setscheduler, "sched_setscheduler"),
    (libc::SYS_bpf, "bpf"),
    (libc::SYS_perf_event_open, "perf_event_open"),
    (libc::SYS_add_key, "add_key"),
    (libc::SYS_request_key, "request_key"),
    (libc::SYS_keyctl, "keyctl"),
    (libc::SYS_open_by_handle_at, "open_by_handle_at"),
    (libc::SYS_fanotify_init, "fanotify_init"),
    (libc::SYS_ptrace, "ptrace"),
    (libc::SYS_process_vm_writev, "process_vm_writev"),
    (PIDFD_GETFD, "pidfd_getfd"),
    (PROCESS_MADVISE, "process_madvise"),
    (libc::SYS_unshare, "unshare"),
    (libc::SYS_setns, "setns"),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_iopl, "iopl"),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_ioperm, "ioperm"),
];

/// The same on every processor; not every C library names them.
const KEXEC_FILE_LOAD: c_long = if cfg!(target_arch = "x86_64") { 320 } else { 294 };
const QUOTACTL_FD: c_long = 443;
const PIDFD_GETFD: c_long = 438;
const PROCESS_MADVISE: c_long = 440;

/// Newer ways to do what is watched by its older name. Who finds them missing takes the older.
const ABSENT: &[c_long] = &[
    libc::SYS_clone3,
    libc::SYS_openat2,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    // mount_setattr(2).
    442,
    // open_tree_attr(2).
    467,
];

/// What the watcher is asked about and mostly allows.
const WATCHED: &[c_long] = &[
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_openat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_open,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_creat,
];

/// What the watcher is asked about and only seems to do.
const MOUNTS: &[c_long] = &[libc::SYS_mount, libc::SYS_umount2];

/// Families of sockets that are as private as the network is. Others may make the kernel load a module.
const FAMILIES: [i32; 4] = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];

/// clone(2) with any of these makes a namespace.
const NAMESPACES: u32 = (libc::CLONE_NEWNS
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWCGROUP) as u32;

/// The kernel's name for this processor's calls (linux/audit.h).
#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: Option<u32> = Some(0xC000_003E);
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: Option<u32> = Some(0xC000_00B7);
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const ARCHITECTURE: Option<u32> = None;

/// Calls of the other table of x86-64 have this bit.
const OTHER_TABLE: u32 = 0x4000_0000;

/// Where the kernel puts what is looked at (struct seccomp_data).
const NUMBER: u32 = 0;
const PROCESSOR: u32 = 4;
const ARGUMENTS: u32 = 16;

/// The name of a call that is refused.
pub(super) fn harm(number: c_long) -> Option<&'static str> {
    let makes_device = (number == libc::SYS_mknodat || is_old_mknod(number)).then_some("mknod");
    HARM.iter().find(|(known, _)| *known == number).map(|(_, name)| *name).or(makes_device)
}

#[cfg(target_arch = "x86_64")]
fn is_old_mknod(number: c_long) -> bool {
    number == libc::SYS_mknod
}

#[cfg(not(target_arch = "x86_64"))]
fn is_old_mknod(_: c_long) -> bool {
    false
}

/// The program; `None` on processors whose calls nobody has looked at.
pub(super) fn program(watched: bool) -> Option<Vec<sock_filter>> {
    let mut code = Code(Vec::new());
    code.load(PROCESSOR);
    code.unless(ARCHITECTURE?, Verdict::Fail(libc::ENOSYS));
    code.load(NUMBER);
    if cfg!(target_arch = "x86_64") {
        code.from(OTHER_TABLE, Verdict::Fail(libc::ENOSYS));
    }
    let harm = if watched { Verdict::Ask } else { Verdict::Fail(libc::EPERM) };
    if watched {
        WATCHED.iter().for_each(|number| code.on(*number, Verdict::Ask));
    }
    MOUNTS.iter().for_each(|number| code.on(*number, harm));
    HARM.iter().for_each(|(number, _)| code.on(*number, harm));
    ABSENT.iter().for_each(|number| code.on(*number, Verdict::Fail(libc::ENOSYS)));
    code.looking_at(libc::SYS_clone, 0, |code| code.with_any(NAMESPACES, Verdict::Fail(libc::EPERM)));
    code.looking_at(libc::SYS_mknodat, 2, |code| code.device(harm));
    #[cfg(target_arch = "x86_64")]
    code.looking_at(libc::SYS_mknod, 1, |code| code.device(harm));
    code.looking_at(libc::SYS_ioctl, 1, |code| {
        for request in [libc::TIOCSTI, libc::TIOCLINUX] {
            code.on(request as c_long, Verdict::Fail(libc::EPERM));
        }
    });
    code.looking_at(libc::SYS_socket, 0, |code| {
        FAMILIES.iter().for_each(|family| code.on(c_long::from(*family), Verdict::Allow));
        code.give(Verdict::Fail(libc::EAFNOSUPPORT));
    });
    code.give(Verdict::Allow);
    Some(code.0)
}

struct Code(Vec<sock_filter>);

impl Code {
    fn push(&mut self, code: u32, jt: u8, jf: u8, k: u32) {
        let code = u16::try_from(code).expect("codes of instructions are small");
        self.0.push(sock_filter { code, jt, jf, k });
    }

    fn load(&mut self, at: u32) {
        self.push(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, at);
    }

    fn give(&mut self, verdict: Verdict) {
        let value = match verdict {
            Verdict::Allow => libc::SECCOMP_RET_ALLOW,
            Verdict::Ask => libc::SECCOMP_RET_USER_NOTIF,
            Verdict::Fail(number) => libc::SECCOMP_RET_ERRNO | number.unsigned_abs(),
        };
        self.push(libc::BPF_RET | libc::BPF_K, 0, 0, value);
    }

    /// If what is loaded is this.
    fn on(&mut self, value: c_long, verdict: Verdict) {
        let value = u32::try_from(value).expect("numbers of calls are small");
        self.push(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 0, 1, value);
        self.give(verdict);
    }

    fn unless(&mut self, value: u32, verdict: Verdict) {
        self.push(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 1, 0, value);
        self.give(verdict);
    }

    /// If it is this or more.
    fn from(&mut self, value: u32, verdict: Verdict) {
        self.push(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K, 0, 1, value);
        self.give(verdict);
    }

    fn with_any(&mut self, bits: u32, verdict: Verdict) {
        self.push(libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K, 0, 1, bits);
        self.give(verdict);
    }

    /// If the mode that is loaded is that of a device.
    fn device(&mut self, verdict: Verdict) {
        self.push(libc::BPF_ALU | libc::BPF_AND | libc::BPF_K, 0, 0, libc::S_IFMT);
        self.on(c_long::from(libc::S_IFCHR), verdict);
        self.on(c_long::from(libc::S_IFBLK), verdict);
    }

    /// For one call, what is decided by the lower half of an argument. What is not decided is allowed.
    fn looking_at(&mut self, number: c_long, argument: u32, decide: impl FnOnce(&mut Self)) {
        let number = u32::try_from(number).expect("numbers of calls are small");
        let mut inner = Self(Vec::new());
        let low = if cfg!(target_endian = "big") { 4 } else { 0 };
        inner.load(ARGUMENTS + argument * 8 + low);
        decide(&mut inner);
        inner.give(Verdict::Allow);
        let length = u8::try_from(inner.0.len()).expect("one call is decided in a few steps");
        self.push(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 0, length, number);
        self.0.append(&mut inner.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Carries the program out as the kernel would.
    fn verdict(watched: bool, processor: u32, number: c_long, arguments: [u32; 3]) -> u32 {
        let code = program(watched).unwrap();
        let (mut at, mut loaded) = (0, 0);
        loop {
            let step = &code[at];
            let jump = |yes: bool| usize::from(if yes { step.jt } else { step.jf });
            at += 1;
            match u32::from(step.code) {
                0x20 => {
                    loaded = match step.k {
                        NUMBER => u32::try_from(number).unwrap(),
                        PROCESSOR => processor,
                        place => arguments[(place as usize - 16) / 8],
                    }
                }
                0x06 => return step.k,
                0x15 => at += jump(loaded == step.k),
                0x35 => at += jump(loaded >= step.k),
                0x45 => at += jump(loaded & step.k != 0),
                0x54 => loaded &= step.k,
                other => panic!("{other:#x} is no instruction that is used here"),
            }
        }
    }

    #[test]
    fn what_reaches_the_machine_is_asked_for_and_what_nobody_needs_is_absent() {
        let Some(own) = ARCHITECTURE else { return };
        let fail = |number: i32| libc::SECCOMP_RET_ERRNO | number.unsigned_abs();
        let of = |number, arguments| verdict(true, own, number, arguments);
        for (number, name) in HARM {
            assert_eq!(of(*number, [0; 3]), libc::SECCOMP_RET_USER_NOTIF, "{name}");
            assert_eq!(verdict(false, own, *number, [0; 3]), fail(libc::EPERM), "{name}");
            assert_eq!(harm(*number), Some(*name));
        }
        assert_eq!(of(libc::SYS_read, [0; 3]), libc::SECCOMP_RET_ALLOW);
        assert_eq!(verdict(false, own, libc::SYS_execve, [0; 3]), libc::SECCOMP_RET_ALLOW);
        assert_eq!(of(libc::SYS_execve, [0; 3]), libc::SECCOMP_RET_USER_NOTIF);
        assert_eq!(of(libc::SYS_clone3, [0; 3]), fail(libc::ENOSYS));
        assert_eq!(verdict(true, own ^ 1, libc::SYS_read, [0; 3]), fail(libc::ENOSYS), "another processor's call");
    }

    #[test]
    fn some_calls_are_judged_by_what_they_ask() {
        let Some(own) = ARCHITECTURE else { return };
        let fail = |number: i32| libc::SECCOMP_RET_ERRNO | number.unsigned_abs();
        let of = |number, arguments| verdict(true, own, number, arguments);
        assert_eq!(of(libc::SYS_clone, [libc::CLONE_NEWUSER as u32 | 17, 0, 0]), fail(libc::EPERM));
        assert_eq!(of(libc::SYS_clone, [libc::CLONE_VM as u32 | 17, 0, 0]), libc::SECCOMP_RET_ALLOW);
        assert_eq!(of(libc::SYS_mknodat, [0, 0, libc::S_IFBLK | 0o600]), libc::SECCOMP_RET_USER_NOTIF);
        assert_eq!(of(libc::SYS_mknodat, [0, 0, libc::S_IFIFO | 0o600]), libc::SECCOMP_RET_ALLOW);
        assert_eq!(of(libc::SYS_socket, [libc::AF_UNIX as u32, 0, 0]), libc::SECCOMP_RET_ALLOW);
        assert_eq!(of(libc::SYS_socket, [libc::AF_PACKET as u32, 0, 0]), fail(libc::EAFNOSUPPORT));
        assert_eq!(of(libc::SYS_ioctl, [0, libc::TIOCSTI as u32, 0]), fail(libc::EPERM));
    }
}
