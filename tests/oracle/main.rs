//! The commands of other systems beside ours: twin roots, the same generated calls, the same answers and files.
//!
//! `tests/oracle/run` fetches the originals and names their place in `SVC_ORACLE`; without it nothing is compared. What
//! may differ stands in `exempt`, with its reason.

mod random;
mod roots;
mod topics;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use random::Random;
use roots::{Answer, Side, Twins};
use topics::{Call, TOPICS, Topic};

const INSIDE: &str = "SVC_ORACLE_INSIDE";
/// So many differences are shown in full.
const SHOWN_MAX: usize = 12;

fn main() -> ExitCode {
    let Some(packages) = std::env::var_os("SVC_ORACLE").map(PathBuf::from) else {
        println!("oracle: not run: SVC_ORACLE names no packages; tests/oracle/run fetches them");
        return ExitCode::SUCCESS;
    };
    if !svc_platform::users::is_root() {
        println!("oracle: skipped: twin roots need root");
        return ExitCode::SUCCESS;
    }
    if std::env::var_os(INSIDE).is_none() {
        return in_namespaces();
    }
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let twins = Twins::new(&packages);
    let exempt = exemptions();
    let mut used = BTreeSet::new();
    let mut good = true;
    for topic in TOPICS {
        if wanted.is_empty() || wanted.iter().any(|name| name == topic.name) {
            good &= compare(topic, &twins, &exempt, &mut used);
        }
    }
    if wanted.is_empty() {
        for id in exempt.keys().filter(|id| !used.contains(*id)) {
            println!("oracle: nothing differs by `{id}`; take it out of tests/oracle/exempt");
        }
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs this program again where its mounts and processes are nobody else's.
fn in_namespaces() -> ExitCode {
    let program = std::env::current_exe().expect("this program has a path");
    let status = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--net"])
        .arg(program)
        .args(std::env::args().skip(1))
        .env(INSIDE, "1")
        .status()
        .expect("unshare(1) runs");
    ExitCode::from(u8::try_from(status.code().unwrap_or(1)).unwrap_or(1))
}

/// What may differ: an id, and why.
fn exemptions() -> BTreeMap<String, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/exempt");
    let text = std::fs::read_to_string(path).expect("the list of what may differ");
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.filter_map(|line| line.split_once(' ')).map(|(id, why)| (id.to_owned(), why.trim().to_owned())).collect()
}

fn compare(topic: &Topic, twins: &Twins, exempt: &BTreeMap<String, String>, used: &mut BTreeSet<String>) -> bool {
    if let Some(why) = (topic.missing)() {
        println!("oracle: {}: skipped: {why}", topic.name);
        return true;
    }
    let seed = std::env::var("SVC_ORACLE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(topic.seed);
    let mut random = Random::new(seed);
    let (mut same, mut let_off, mut differs) = (0_u32, 0_u32, 0_usize);
    for world in 0..topic.worlds {
        let puts = (topic.world)(&mut random);
        twins.renew(topic.watched, &puts);
        for _ in 0..topic.calls {
            let call = (topic.call)(&mut random);
            let [original, ours] = [Side::Original, Side::Ours].map(|side| twins.call(side, topic, &call));
            if original == ours {
                same += 1;
                continue;
            }
            if let Some(id) = (topic.exempt)(&call, &original, &ours).filter(|id| exempt.contains_key(*id)) {
                used.insert(id.to_owned());
                let_off += 1;
            } else {
                differs += 1;
                if differs <= SHOWN_MAX {
                    show(topic, world, &call, &original, &ours);
                }
            }
            // What differs now would differ in every call that follows.
            twins.renew(topic.watched, &puts);
        }
    }
    let calls = topic.worlds * topic.calls;
    println!("oracle: {}: {calls} calls, {same} the same, {let_off} exempt, {differs} differ", topic.name);
    differs == 0
}

fn show(topic: &Topic, world: u32, call: &Call, original: &Answer, ours: &Answer) {
    println!("---- {} {:?} (world {world}, with {:?})", topic.name, call.words, call.environment);
    original.differences(ours).iter().for_each(|line| println!("{line}"));
}
