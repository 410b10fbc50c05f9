//! Why a tree cannot be limited: which controller it takes, who has it, and what would change that.

use std::fs;
use std::path::Path;

use super::unescape;

/// Says why the cgroups right below `place` have no file of this controller, as what stands behind "needs".
pub(in super::super) fn why(controller: &str, place: &Path) -> String {
    let read = |path: &str| String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned();
    explain(controller, place, &read("/proc/cgroups"), &read("/proc/self/mountinfo"))
}

/// From what `/proc/cgroups` and mountinfo say, and the cgroups themselves.
///
/// Source: cgroups(7), "Cgroups v2 controllers" and "/proc files".
fn explain(controller: &str, place: &Path, known: &str, mounts: &str) -> String {
    let needs = format!("controller {controller} of cgroup v2");
    // The next one above that has it does not hand it on.
    let has_it = |directory: &&Path| has(controller, &directory.join("cgroup.controllers"));
    if let Some(giver) = place.ancestors().find(has_it) {
        let switch = giver.join("cgroup.subtree_control");
        let procs = giver.join("cgroup.procs");
        let is_root = !giver.join("cgroup.type").exists();
        let is_busy = !is_root && fs::read(&procs).is_ok_and(|pids| !pids.is_empty());
        if !is_busy {
            return format!("{needs}, which is off in {0}; turn it on: echo +{controller} > {0}", switch.display());
        }
        return format!(
            "{needs}, which is off in {} because of the processes in {}; start svcd in a cgroup where nobody else is \
             (under systemd: Delegate=yes)",
            switch.display(),
            procs.display()
        );
    }
    let mut fields = known.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let fields = fields.find(|fields| fields.first() == Some(&controller)).unwrap_or_default();
    if fields.get(3) == Some(&"0") {
        return format!(
            "{needs}, which the kernel was started without (cgroup_disable={controller}); boot without that"
        );
    }
    // Version 2 is hierarchy 0.
    if fields.get(1).is_some_and(|hierarchy| *hierarchy != "0") {
        let point = mounts.lines().find_map(|line| mounted(line, controller));
        let point = point.map(|point| format!(" (mounted at {point})")).unwrap_or_default();
        return format!(
            "{needs}, which version 1 has{point}; boot with cgroup_no_v1={controller}, and nothing mounts it"
        );
    }
    let top = place.ancestors().take_while(|above| above.join("cgroup.controllers").exists()).last().unwrap_or(place);
    format!(
        "{needs}, which is not in {}; who made this cgroup, or the container, has to hand it on",
        top.join("cgroup.controllers").display()
    )
}

fn has(controller: &str, list: &Path) -> bool {
    fs::read_to_string(list).is_ok_and(|text| text.split_whitespace().any(|found| found == controller))
}

/// Where a line of mountinfo mounts this controller of version 1.
fn mounted(line: &str, controller: &str) -> Option<String> {
    let (before, after) = line.split_once(" - ")?;
    let mut after = after.split(' ');
    let is_first = after.next()? == "cgroup";
    let has_it = after.nth(1)?.split(',').any(|option| option == controller);
    Some(unescape(before.split(' ').nth(4)?)).filter(|_| is_first && has_it)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: &str = "#subsys_name\thierarchy\tnum_cgroups\tenabled\npids\t0\t1\t1\n";

    /// A hierarchy of files: for each directory what it has and hands on, and who is in it.
    fn hierarchy(levels: &[(&str, &str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (path, controllers, pids) in levels {
            let path = dir.path().join(path);
            fs::create_dir_all(&path).unwrap();
            fs::write(path.join("cgroup.controllers"), controllers).unwrap();
            fs::write(path.join("cgroup.procs"), pids).unwrap();
            if path != dir.path() {
                fs::write(path.join("cgroup.type"), "domain\n").unwrap();
            }
        }
        dir
    }

    fn told(levels: &[(&str, &str, &str)], known: &str, mounts: &str) -> String {
        let dir = hierarchy(levels);
        let place = dir.path().join(levels.last().unwrap().0);
        explain("pids", &place, known, mounts).replace(&dir.path().display().to_string(), "/cg")
    }

    #[test]
    fn what_is_not_handed_on_is_told_with_the_file_that_would_do_it() {
        assert_eq!(
            told(&[("", "cpu pids\n", "1\n"), ("svc", "cpu\n", ""), ("svc/run", "", "")], NONE, ""),
            "controller pids of cgroup v2, which is off in /cg/cgroup.subtree_control; turn it on: echo +pids > \
             /cg/cgroup.subtree_control"
        );
    }

    #[test]
    fn who_is_in_the_way_is_told() {
        let told = told(&[("", "pids\n", ""), ("a", "cpu pids\n", "7\n"), ("a/svc", "cpu\n", "")], NONE, "");
        let why = "which is off in /cg/a/cgroup.subtree_control because of the processes in /cg/a/cgroup.procs";
        assert!(told.contains(why), "{told}");
    }

    #[test]
    fn version_1_the_command_line_of_the_kernel_and_a_container_are_told_apart() {
        let levels = [("", "cpu\n", ""), ("svc", "", "")];
        let mounts = "33 25 0:28 / /sys/fs/cgroup/pi\\040ds rw shared:9 - cgroup cgroup rw,pids\n";
        assert_eq!(
            told(&levels, "pids\t9\t1\t1\n", mounts),
            "controller pids of cgroup v2, which version 1 has (mounted at /sys/fs/cgroup/pi ds); boot with \
             cgroup_no_v1=pids, and nothing mounts it"
        );
        assert!(told(&levels, "pids\t9\t1\t1\n", "").contains("which version 1 has; boot"));
        assert!(told(&levels, "pids\t0\t1\t0\n", "").contains("(cgroup_disable=pids)"));
        for known in [NONE, ""] {
            let told = told(&levels, known, "");
            assert!(told.contains("which is not in /cg/cgroup.controllers; who made this cgroup"), "{told}");
        }
    }
}
