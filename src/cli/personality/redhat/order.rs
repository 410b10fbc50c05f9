//! The numbers that chkconfig gives to scripts with an LSB header: each after what it requires, as far as 99.

use super::scripts::{self, End, Script, links, remove, set};

/// A number that is to be computed starts in the middle.
const MIDDLE: i32 = 50;
const LAST: i32 = 99;
/// A start number that is to be computed, and a stop number.
const NO_START: i32 = -1;
const NO_STOP: i32 = 100;

/// Whether the numbers of a script are to be computed.
pub(super) fn is_open(start: i32, stop: i32) -> bool {
    start <= NO_START && stop >= NO_STOP
}

/// Gives a script its numbers, those it depends on theirs, and all of them their links.
pub(super) fn arrange(target: &mut Script) -> Result<(), End> {
    let mut all = scripts::all()?;
    for other in &mut all {
        if other.name == target.name {
            other.current = target.current;
        }
    }
    // Numbers only grow, or only fall, and both have an end.
    while one_round(&mut all)? {}
    let (start, stop) = (target.reading.start, target.reading.stop);
    number(target, None, &all);
    let moved = (start, stop) != (target.reading.start, target.reading.stop);
    relink(target, moved, true)
}

/// True if a script has moved.
fn one_round(all: &mut [Script]) -> Result<bool, End> {
    let mut any = false;
    for at in 0..all.len() {
        if !all[at].reading.lsb {
            continue;
        }
        let mut script = all[at].clone();
        number(&mut script, Some(at), all);
        let moved = (script.reading.start, script.reading.stop) != (all[at].reading.start, all[at].reading.stop);
        all[at] = script;
        if moved {
            relink(&all[at], true, false)?;
            any = true;
        }
    }
    Ok(any)
}

/// Moves a script behind what it needs, in the order of the directory.
fn number(script: &mut Script, at: Option<usize>, all: &[Script]) {
    if script.reading.start < 0 {
        script.reading.start = MIDDLE;
    }
    if script.reading.stop > LAST {
        script.reading.stop = MIDDLE;
    }
    for (index, other) in all.iter().enumerate() {
        // Who needs itself moves on each time.
        let other = if at == Some(index) { script.clone() } else { other.clone() };
        if script.current & other.current != script.current {
            continue;
        }
        let names =
            |list: &[String]| list.iter().any(|word| *word == other.name || other.reading.provides.contains(word));
        let reading = &script.reading;
        let starts_later = names(&reading.required_start) || names(&reading.should_start);
        let stops_earlier = names(&reading.required_stop) || names(&reading.should_stop);
        if starts_later && script.reading.start <= other.reading.start {
            script.reading.start = (other.reading.start + 1).min(LAST);
        }
        if stops_earlier && script.reading.stop >= other.reading.stop {
            script.reading.stop = (other.reading.stop - 1).max(0);
        }
    }
}

fn relink(script: &Script, moved: bool, is_target: bool) -> Result<(), End> {
    if !moved && !is_target {
        return Ok(());
    }
    for level in 0..7 {
        match links(&script.name, level)?.first() {
            Some(link) => {
                let on = link.kind == 'S';
                let number = if on { script.reading.start } else { script.reading.stop };
                if link.number != number {
                    remove(&script.name, level)?;
                    set(script, level, on)?;
                }
            }
            None if is_target => {
                set(script, level, script.reading.levels >> level & 1 == 1)?;
            }
            None => {}
        }
    }
    Ok(())
}
