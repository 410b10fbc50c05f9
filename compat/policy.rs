//! What lies among the scripts and is no service.

/// Why a file of this name is no service, if it is none.
///
/// The names are those that service(8), insserv and systemd's generator pass over, the scripts that end a machine
/// rather than serve it, and what editors and package tools leave behind.
pub fn why_not(name: &str) -> Option<&'static str> {
    if name.is_empty() || name.starts_with('.') {
        return Some("hidden file");
    }
    if LEFT_BEHIND.iter().any(|end| name.ends_with(end)) || (name.starts_with('#') && name.ends_with('#')) {
        return Some("left behind by an editor or a package tool");
    }
    NAMES.iter().find(|(known, _)| *known == name).map(|(_, why)| *why)
}

const LEFT_BEHIND: [&str; 26] = [
    "~",
    "#",
    ".OLD",
    ".bak",
    ".orig",
    ",v",
    ".rej",
    ".swp",
    ".old",
    ".new",
    ".cfsaved",
    ".pkgsave",
    ".pkgnew",
    ".sample",
    ".dpkg-dist",
    ".dpkg-old",
    ".dpkg-new",
    ".dpkg-tmp",
    ".dpkg-bak",
    ".dpkg-remove",
    ".ucf-dist",
    ".ucf-old",
    ".ucf-new",
    ".rpmsave",
    ".rpmorig",
    ".rpmnew",
];

const LIBRARY: &str = "functions for other scripts";
const RUNS_OTHERS: &str = "runs the other scripts";
const TEXT: &str = "a text or pattern for people";
const ENDS: &str = "ends the machine or all processes: that is svc's own work";
const UNMOUNTS: &str = "unmounts at the end of a shutdown: that is svc's own work";
const ITSELF: &str = "starts svcd itself";
const LEVEL: &str = "belongs to a runlevel, not to a service";

const NAMES: [(&str, &str); 39] = [
    ("README", TEXT),
    ("skeleton", TEXT),
    ("skeleton.compat", TEXT),
    ("template", TEXT),
    (".depend.boot", TEXT),
    ("functions", LIBRARY),
    ("functions.sh", LIBRARY),
    ("init-functions", LIBRARY),
    ("rc.subr", LIBRARY),
    ("network.subr", LIBRARY),
    ("bootclean.sh", LIBRARY),
    ("bootclean", LIBRARY),
    ("rc", RUNS_OTHERS),
    ("rcS", RUNS_OTHERS),
    ("rc.status", LIBRARY),
    ("rc.sysinit", RUNS_OTHERS),
    ("boot", RUNS_OTHERS),
    ("rc.local.sample", TEXT),
    ("after.local", RUNS_OTHERS),
    ("halt", ENDS),
    ("halt.local", ENDS),
    ("reboot", ENDS),
    ("killall", ENDS),
    ("killprocs", ENDS),
    ("sendsigs", ENDS),
    ("single", LEVEL),
    ("powerfail", LEVEL),
    ("linuxconf", LEVEL),
    ("kudzu", LEVEL),
    ("umountfs", UNMOUNTS),
    ("umountroot", UNMOUNTS),
    ("umountnfs.sh", UNMOUNTS),
    ("umountnfs", UNMOUNTS),
    ("umountiscsi.sh", UNMOUNTS),
    ("umountnfs-alternative.sh", UNMOUNTS),
    ("stop-bootlogd", "ends the boot log"),
    ("stop-bootlogd-single", "ends the boot log"),
    ("bootlogs", "writes the boot log: that is svc's own work"),
    ("svcd", ITSELF),
];

/// Scripts that do their work and leave no daemon, although they look otherwise.
///
/// Debian's, Red Hat's and OpenRC's boot scripts.
pub(crate) const ONE_SHOT: [&str; 42] = [
    "alsa-utils",
    "alsasound",
    "apparmor",
    "binfmt-support",
    "bootmisc.sh",
    "brightness",
    "checkfs.sh",
    "checkroot-bootclean.sh",
    "checkroot.sh",
    "console-setup.sh",
    "cryptdisks",
    "cryptdisks-early",
    "hostname",
    "hostname.sh",
    "hwclock",
    "hwclock.sh",
    "ifupdown",
    "iptables",
    "ip6tables",
    "keyboard-setup.sh",
    "keymap",
    "kmod",
    "loopback",
    "lvm2",
    "modules",
    "mountall-bootclean.sh",
    "mountall.sh",
    "mountdevsubfs.sh",
    "mountkernfs.sh",
    "mountnfs-bootclean.sh",
    "mountnfs.sh",
    "net.lo",
    "netfilter-persistent",
    "network",
    "networking",
    "procps",
    "rc.local",
    "screen-cleanup",
    "sysctl",
    "sysstat",
    "urandom",
    "x11-common",
];

/// Daemons whose children are others' work: sessions, jobs, containers, what an administrator runs through them. The
/// end of the daemon is not the end of these.
///
/// By the name of the script or of the program.
pub(crate) const LEAVES_CHILDREN: [&str; 27] = [
    "anacron",
    "at",
    "atd",
    "bcron",
    "chef-client",
    "containerd",
    "cron",
    "crond",
    "docker",
    "dockerd",
    "dropbear",
    "fcron",
    "inetd",
    "inetutils-inetd",
    "libvirtd",
    "lxc",
    "openbsd-inetd",
    "puppet",
    "salt-minion",
    "ssh",
    "sshd",
    "telnetd",
    "virtlogd",
    "xinetd",
    "xrdp",
    "xrdp-sesman",
    "unattended-upgrades",
];
