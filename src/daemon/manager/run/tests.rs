//! Which process is whose.

use super::*;

fn process(pid: i32) -> Process {
    Process { pid, started: Time::default(), handle: None, by_keeper: true }
}

fn run(leader: i32) -> Run {
    let trunk = Trunk::Foreign { pid: leader, started: Time::default() };
    let mut run = Run::new(ServiceId(0), Name::new("web").unwrap(), Job::Start, None, trunk);
    run.leader = Some(process(leader));
    run
}

#[test]
fn a_main_process_that_gave_its_place_away_is_nobodys() {
    let mut runs = Runs::default();
    runs.insert(RunId(1), run(10));
    assert!(runs.set_main(RunId(1), Some(process(20))).is_none());
    assert_eq!(runs.set_main(RunId(1), Some(process(30))).map(|before| before.pid), Some(20));
    assert_eq!([10, 20, 30].map(|pid| runs.of_pid(pid)), [Some(RunId(1)), None, Some(RunId(1))]);
    assert_eq!(runs.set_main(RunId(1), None).map(|before| before.pid), Some(30));
    assert_eq!([10, 20, 30].map(|pid| runs.of_pid(pid)), [Some(RunId(1)), None, None]);
}

#[test]
fn a_pid_that_another_run_has_by_now_stays_with_it() {
    let mut runs = Runs::default();
    runs.insert(RunId(1), run(10));
    runs.insert(RunId(2), run(10));
    runs.remove(RunId(1));
    assert_eq!(runs.of_pid(10), Some(RunId(2)));
    runs.set_main(RunId(2), Some(process(20)));
    runs.insert(RunId(3), run(20));
    runs.set_main(RunId(2), Some(process(30)));
    assert_eq!([10, 20, 30].map(|pid| runs.of_pid(pid)), [Some(RunId(2)), Some(RunId(3)), Some(RunId(2))]);
}
