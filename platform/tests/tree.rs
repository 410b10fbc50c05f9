//! Trees of real processes: found, signalled and killed, with cgroups and without.

#[path = "../../tests/aloud/skipped.rs"]
mod skipped;

use std::ffi::CString;
use std::io::{BufRead, BufReader, PipeReader, pipe};
use std::os::fd::AsFd;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use skipped::skipped;
use svc_platform::poll::{Interest, Poller};
use svc_platform::process::{self, Handle};
use svc_platform::spawn::{Kin, Spawner};
use svc_platform::tree::{Ceiling, Forest, Tree};
use svc_platform::{Launch, clock, reap};

const PATIENCE: Duration = Duration::from_secs(20);

/// A forest of its own for each test; `None`, said aloud, where there are no cgroups to be had.
fn forest(test: &str) -> Option<Forest> {
    reap::adopt_orphans().unwrap();
    let forest = Forest::open(&format!("test-{test}-{}", std::process::id())).unwrap();
    if !forest.is_tight() {
        skipped(test, forest.tracking());
        return None;
    }
    Some(forest)
}

fn bare(test: &str) -> Forest {
    reap::adopt_orphans().unwrap();
    Forest::open_bare(&format!("test-{test}-{}", std::process::id()), "as asked").unwrap()
}

/// Runs a script as the first process of a tree; what it prints can be read.
fn plant(tree: &mut Tree, script: &str) -> (Handle, BufReader<PipeReader>) {
    let (reader, writer) = pipe().unwrap();
    let arguments = ["sh", "-c", script].map(|word| CString::new(word).unwrap()).to_vec();
    let mut launch = Launch::new(c"/bin/sh".to_owned(), arguments);
    launch.environment = vec![c"PATH=/usr/bin:/bin".to_owned(), CString::new(tree.environment()).unwrap()];
    launch.stdout = Some(writer.as_fd());
    launch.tree = tree.door();
    let leader = Spawner::new().unwrap().spawn(&launch, Kin::Child).unwrap();
    tree.led_by(leader.pid(), process::start_time(leader.pid()).unwrap());
    (leader, BufReader::new(reader))
}

fn line(reader: &mut BufReader<PipeReader>) -> String {
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}

/// Kills a tree when a test is over, however it ends.
struct Mown<'a>(&'a Tree);

impl Drop for Mown<'_> {
    fn drop(&mut self) {
        // A test that fails has said so already.
        let _gone = self.0.kill();
    }
}

/// Waits until all of these have ended.
fn gone(handles: &[Handle]) {
    let mut poller = Poller::new().unwrap();
    for handle in handles {
        poller.add(handle, 0, Interest::READ).unwrap();
        poller.wait(Some(PATIENCE), &mut Vec::new()).unwrap();
        assert!(handle.has_ended().unwrap(), "{} ends within {PATIENCE:?}", handle.pid());
        poller.remove(handle).unwrap();
    }
}

/// Waits until the forest says that this tree changed and it is empty.
fn emptied(forest: &mut Forest, tree: &Tree) {
    let until = Instant::now() + PATIENCE;
    let mut poller = Poller::new().unwrap();
    poller.add(&*forest, 0, Interest::READ).unwrap();
    loop {
        let news = forest.changes().unwrap();
        // Where trees have no door, nobody tells of them but their parent.
        let told = tree.door().is_none() || news.iter().any(|name| name == tree.name());
        if told && tree.is_empty().unwrap() {
            return;
        }
        assert!(Instant::now() < until, "{} empties within {PATIENCE:?}", tree.name());
        let pause = if tree.door().is_some() { PATIENCE } else { Duration::from_millis(20) };
        poller.wait(Some(pause), &mut Vec::new()).unwrap();
    }
}

/// A daemon that forks twice, leaves its session and cleans its environment, beside a plain child.
const ESCAPER: &str = include_str!("escaper.sh");

#[test]
fn a_daemon_that_forked_twice_is_killed_with_its_cgroup() {
    let Some(mut forest) = forest("kill") else { return };
    let mut tree = forest.grow("web.1").unwrap();
    let (leader, mut output) = plant(&mut tree, ESCAPER);
    let _mown = Mown(&tree);
    let mut said = [line(&mut output), line(&mut output)];
    said.sort();
    assert_eq!(said, ["child", "free"]);
    gone(&[leader]);
    assert_eq!(tree.pids().unwrap().len(), 2);
    assert_eq!(forest.standing().unwrap(), ["web.1"], "one of them still says so");
    assert!(tree.remove().is_err(), "it is not empty");
    assert!(tree.usage().memory.unwrap() > 0 && tree.usage().cpu.is_some());
    tree.kill().unwrap();
    emptied(&mut forest, &tree);
    assert_eq!(line(&mut output), "", "nobody holds the pipe any more");
    tree.remove().unwrap();
    assert!(forest.standing().unwrap().is_empty());
    forest.clear().unwrap();
}

#[test]
fn the_next_manager_finds_a_tree_by_its_name_and_hears_of_its_end() {
    let Some(mut first) = forest("again") else { return };
    let Some(place) = first.place().map(str::to_owned) else {
        return skipped("finding a tree by its name", "here it is found by its processes");
    };
    let mut tree = first.grow("db.7").unwrap();
    let (_leader, mut output) = plant(&mut tree, "echo up; exec sleep 1000");
    let _mown = Mown(&tree);
    assert_eq!(line(&mut output), "up");
    let mut second = forest("again").unwrap();
    assert!(second.find("db.8").unwrap().is_none());
    assert_eq!(Forest::open_at("elsewhere", &place).unwrap().standing().unwrap(), ["db.7"]);
    let found = second.find("db.7").unwrap().unwrap();
    assert_eq!(found.pids().unwrap(), tree.pids().unwrap());
    assert_eq!(second.grow("db.7").unwrap_err().kind(), std::io::ErrorKind::AlreadyExists);
    assert_eq!(found.signal(15).unwrap(), 1);
    emptied(&mut second, &found);
    found.remove().unwrap();
    second.clear().unwrap();
}

#[test]
fn a_tree_with_cgroups_of_its_own_below_is_one_tree() {
    let Some(mut forest) = forest("nested") else { return };
    if forest.place().is_none() {
        return skipped("cgroups below a tree's own", "trees are no cgroups here");
    }
    let mut tree = forest.grow("box.1").unwrap();
    let (_leader, mut output) = plant(
        &mut tree,
        "line=$(grep ^0:: /proc/self/cgroup)
         dir=$(grep ' - cgroup2 ' /proc/self/mountinfo | tail -1 | cut -d' ' -f5)${line#0::}
         mkdir -p $dir/a/b && sh -c 'echo $$ >$0/a/b/cgroup.procs; echo in; exec sleep 1000' $dir & wait",
    );
    let _mown = Mown(&tree);
    assert_eq!(line(&mut output), "in");
    assert_eq!(tree.pids().unwrap().len(), 2);
    assert_eq!(tree.signal(0).unwrap(), 2);
    tree.kill().unwrap();
    emptied(&mut forest, &tree);
    tree.remove().unwrap();
    forest.clear().unwrap();
}

#[test]
fn a_limit_is_set_or_refused_by_name() {
    let Some(mut forest) = forest("limit") else { return };
    let mut tree = forest.grow("web.1").unwrap();
    let class = tree.count_as(None);
    assert!(class.is_none_or(|class| class == "svc-web"), "the class is the service's own");
    if let Err(error) = tree.limit(Ceiling::Tasks(10)) {
        let refused = [std::io::ErrorKind::Unsupported, std::io::ErrorKind::PermissionDenied];
        assert!(refused.contains(&error.kind()), "{error}");
        assert!(error.kind() != refused[0] || error.to_string().contains("limit on a tree"), "{error}");
    }
    tree.remove().unwrap();
    forest.clear().unwrap();
}

#[test]
fn without_cgroups_a_daemon_is_found_by_its_parent_session_or_environment() {
    if !std::path::Path::new("/usr/bin/setsid").exists() {
        return skipped("a session of its own below its parent", "there is no setsid(1)");
    }
    let mut forest = bare("marks");
    assert!(forest.tracking().contains("as asked") && !forest.is_tight());
    let mut tree = forest.grow("web.1").unwrap();
    let (leader, mut output) = plant(
        &mut tree,
        "(setsid sh -c 'echo left the session; exec sleep 1000' &)
         (exec env -i /bin/sh -c 'echo cleaned its environment; exec /bin/sleep 1000' &)
         env -i /usr/bin/setsid /bin/sh -c 'echo did both and kept its parent; /bin/sleep 1000; :' & wait",
    );
    let _mown = Mown(&tree);
    for _ in 0..3 {
        assert_ne!(line(&mut output), "");
    }
    // The third has a child of its own, which may come later.
    let handles = loop {
        let pids = tree.pids().unwrap();
        if pids.len() == 5 {
            break pids.into_iter().map(|pid| Handle::open(pid).unwrap()).collect::<Vec<_>>();
        }
        assert!(pids.len() < 5, "{pids:?}");
    };
    assert!(handles.iter().any(|handle| handle.pid() == leader.pid()));
    assert_eq!(tree.signal(0).unwrap(), 5);
    let other = forest.grow("web.2").unwrap();
    let empty: Vec<_> = forest.empty_among([&tree, &other]).unwrap().into_iter().map(Tree::name).collect();
    assert_eq!(empty, ["web.2"]);
    let again = forest.find("web.1").unwrap().unwrap();
    assert_eq!(
        again.pids().unwrap().len(),
        4,
        "all but the orphan without a mark of its own, until it is told its leader"
    );
    tree.kill().unwrap();
    gone(&handles);
    assert!(tree.is_empty().unwrap());
    forest.clear().unwrap();
}

#[test]
fn who_forks_without_end_is_killed_all_the_same() {
    let script = "i=0; while [ $i -lt 2000 ]; do (sleep 1000 &); i=$((i+1)); [ $i = 20 ] && echo going; done";
    for mut forest in [forest("bomb"), Some(bare("bomb"))].into_iter().flatten() {
        let mut tree = forest.grow("bomb.1").unwrap();
        let (leader, mut output) = plant(&mut tree, script);
        let _mown = Mown(&tree);
        assert_eq!(line(&mut output), "going");
        tree.kill().unwrap();
        gone(&[leader]);
        assert_eq!(line(&mut output), "", "nobody holds the pipe any more");
        if forest.is_tight() {
            emptied(&mut forest, &tree);
        } else {
            // What is on its way out may still be seen.
            let last = tree.pids().unwrap();
            gone(&last.into_iter().filter_map(|pid| Handle::open(pid).ok()).collect::<Vec<_>>());
        }
        assert!(tree.is_empty().unwrap());
        tree.remove().unwrap();
        forest.clear().unwrap();
    }
}

#[test]
fn a_process_that_has_the_leaders_number_but_not_its_start_is_not_ours() {
    let mut forest = bare("reuse");
    let mut tree = forest.grow("web.1").unwrap();
    let (reader, writer) = pipe().unwrap();
    let mut launch = Launch::new(c"/bin/sleep".to_owned(), vec![c"sleep".to_owned(), c"60".to_owned()]);
    launch.stdout = Some(writer.as_fd());
    let stranger = Spawner::new().unwrap().spawn(&launch, Kin::Child).unwrap();
    drop(reader);
    let started = process::start_time(stranger.pid()).unwrap();
    let earlier = svc_core::Time::new(started.since_boot().saturating_sub(Duration::from_secs(60)));
    tree.led_by(stranger.pid(), earlier);
    assert!(tree.is_empty().unwrap());
    tree.led_by(stranger.pid(), started);
    assert_eq!(tree.pids().unwrap(), [stranger.pid()]);
    tree.kill().unwrap();
    gone(&[stranger]);
    assert!(clock::now() >= started);
}

const ROUNDS: usize = 8;

/// Told once, while it forks as fast as it can; none of it deaf, so all of it has to go.
fn tells_who_is_born_meanwhile(mut forest: Forest) {
    for round in 0..ROUNDS {
        let mut tree = forest.grow(&format!("crowd.{round}")).unwrap();
        let script = "i=0; while [ $i -lt 200 ]; do [ $i -ne 40 ] || echo many; sleep 1000 & i=$((i+1)); done; wait";
        let (_leader, mut output) = plant(&mut tree, script);
        let _mown = Mown(&tree);
        assert_eq!(line(&mut output), "many");
        tree.signal(15).unwrap();
        emptied(&mut forest, &tree);
        tree.remove().unwrap();
    }
    forest.clear().unwrap();
}

#[test]
fn a_signal_reaches_those_who_are_born_while_it_is_sent() {
    if let Some(forest) = forest("born") {
        tells_who_is_born_meanwhile(forest);
    }
}

#[test]
fn without_cgroups_too_a_signal_reaches_those_who_are_born_while_it_is_sent() {
    tells_who_is_born_meanwhile(bare("born"));
}

#[test]
fn without_cgroups_a_daemon_is_not_lost_while_it_executes() {
    if !std::path::Path::new("/usr/bin/setsid").exists() {
        return skipped("a daemon that leaves its session", "there is no setsid(1)");
    }
    let mut forest = bare("executes");
    for round in 0..40 {
        let mut tree = forest.grow(&format!("daemon.{round}")).unwrap();
        let script = "(setsid sh -c 'exec setsid sh -c \"exec sleep 1000\"' &)";
        let (leader, _output) = plant(&mut tree, script);
        let _mown = Mown(&tree);
        gone(&[leader]);
        for look in 0..5 {
            assert!(!tree.is_empty().unwrap(), "round {round}, look {look}");
        }
        tree.kill().unwrap();
        emptied(&mut forest, &tree);
    }
}

#[test]
fn without_cgroups_everyone_who_carries_the_mark_is_found_wherever_it_stands() {
    let mut forest = bare("carriers");
    let tree = forest.grow("web.1").unwrap();
    let (name, value) = tree.environment().split_once('=').unwrap();
    // What stands last in the environment is what a system may fail to read, now and then.
    let launch = |_| {
        let mut command = Command::new("sleep");
        command.arg("1000").env_clear().env("PATH", "/usr/bin:/bin").env(name, value).spawn().unwrap()
    };
    let mut carriers: Vec<Child> = (0..100).map(launch).collect();
    let until = Instant::now() + PATIENCE;
    let mut found = 0;
    while found < carriers.len() && Instant::now() < until {
        found = tree.pids().unwrap().len();
    }
    for carrier in &mut carriers {
        carrier.kill().unwrap();
        carrier.wait().unwrap();
    }
    assert_eq!(found, carriers.len());
}
