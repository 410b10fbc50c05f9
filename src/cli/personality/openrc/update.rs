//! `rc-update`: which services are in which runlevel.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::ExitCode;

use super::super::getopt::{Known, Options, Takes, option};
use super::super::manager::Manager;
use super::super::rcconf::below;
use super::super::{called_as, script};
use super::{
    BOOT, Given, Manner, No, SCRIPTS, SYSINIT, base, current, exists, is_in, is_runlevel, next, runlevel, runlevels,
    services, with_common,
};

const KNOWN: [Known; 8] = with_common([
    option("all", 'a', Takes::Nothing),
    option("stack", 's', Takes::Nothing),
    option("update", 'u', Takes::Nothing),
]);

const HELP: &str = "\
usage: rc-update [OPTION...] add | del SERVICE [RUNLEVEL...]
       rc-update [OPTION...] [show [RUNLEVEL...]]

  -a, --all     del: from every runlevel
  -s, --stack   SERVICE is a runlevel, whose services come with the others
  -u, --update  let svcd read what has changed
  -h, --help  -C, --nocolor  -V, --version  -v, --verbose  -q, --quiet
";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    Add,
    Delete,
    Show,
}

/// What became of one runlevel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Done {
    Failed,
    Nothing,
    Changed,
}

struct Call {
    manner: Manner,
    all: bool,
    stack: bool,
    name: String,
}

pub(in super::super) fn run(words: &[String]) -> ExitCode {
    let code = answer(words).unwrap_or_else(|code| code);
    ExitCode::from(code)
}

fn answer(line: &[String]) -> Result<u8, u8> {
    let mut call = Call { manner: Manner::inherited(), all: false, stack: false, name: called_as("rc-update") };
    let mut options = Options::new(&KNOWN, line);
    while let Some(given) = next(&mut options, &KNOWN, HELP, &mut call.manner, line.len()) {
        match given {
            Given::End(code) => return Err(code),
            Given::Own('a', _) => call.all = true,
            Given::Own('s', _) => call.stack = true,
            Given::Own('u', _) => return Ok(update(&call)),
            Given::Own(..) | Given::Done => {}
        }
    }
    let words = options.words();
    let (deed, rest) = match words.split_first() {
        None => (Deed::Show, [].as_slice()),
        Some((word, rest)) => match word.as_str() {
            "add" => (Deed::Add, rest),
            "del" | "delete" => (Deed::Delete, rest),
            "show" => (Deed::Show, rest),
            word => return Err(call.fail(&format!("invalid command `{word}'"))),
        },
    };
    let (service, levels) = match rest.split_first() {
        Some((service, levels)) => (Some(service), levels),
        None if deed == Deed::Show => (None, [].as_slice()),
        None => return Err(call.fail("no service specified")),
    };
    if let Some(wrong) = levels.iter().find(|level| !is_runlevel(level)) {
        return Err(call.fail_plain(&format!("{}: `{wrong}' is not a valid runlevel", call.name)));
    }
    match service {
        Some(service) if deed != Deed::Show => call.change(deed, service, levels.to_vec()),
        given => {
            let mut levels: Vec<String> = levels.iter().chain(given).cloned().collect();
            if levels.is_empty() {
                levels = runlevels();
            }
            levels.sort();
            call.show(&levels);
            Ok(0)
        }
    }
}

/// svc keeps no cache of dependencies: svcd reads the scripts, and that is what is renewed.
fn update(call: &Call) -> u8 {
    if let Some(manager) = Manager::find() {
        manager.reload();
    }
    call.manner.info("Caching service dependencies ...");
    0
}

impl Call {
    fn fail(&self, text: &str) -> u8 {
        self.fail_plain(&format!("{}: {text}", self.name))
    }

    fn fail_plain(&self, text: &str) -> u8 {
        self.manner.error(text);
        1
    }

    fn change(&self, deed: Deed, service: &str, mut levels: Vec<String>) -> Result<u8, u8> {
        if deed == Deed::Add && self.all {
            return Err(self.fail("the -a option is invalid with add"));
        }
        if levels.is_empty() {
            levels = if self.all { runlevels() } else { vec![current()] };
        }
        if levels.is_empty() {
            return Err(self.fail("no runlevels found"));
        }
        let (mut code, mut changed) = (0, 0);
        for level in &levels {
            if !is_runlevel(level) {
                self.manner.error(&format!("{}: runlevel `{level}' does not exist", self.name));
                continue;
            }
            let done = match (deed, self.stack) {
                (Deed::Add, false) => self.add(level, service),
                (Deed::Add, true) => self.stack(level, service),
                (_, false) => self.delete(level, service),
                (_, true) => self.unstack(level, service),
            };
            match done {
                Done::Failed => code = 1,
                Done::Nothing => {}
                Done::Changed => changed += 1,
            }
        }
        if changed > 0
            && let Some(manager) = Manager::find()
        {
            manager.reload();
        }
        if code == 0 && changed == 0 && deed == Deed::Delete {
            let name = &self.name;
            self.manner.warning(&format!("{name}: service `{service}' not found in any of the specified runlevels"));
            return Err(1);
        }
        Ok(code)
    }

    fn add(&self, level: &str, service: &str) -> Done {
        let name = &self.name;
        let path = match exists(service) {
            Ok(path) => path,
            Err(why) => {
                let what = if why == No::NotExecutable { "is not executable" } else { "does not exist" };
                self.manner.error(&format!("{name}: service `{service}' {what}"));
                return Done::Failed;
            }
        };
        if is_in(service, level) {
            self.manner.info(&format!("{name}: {service} already installed in runlevel `{level}'; skipping"));
            return Done::Nothing;
        }
        match link(level, service, &path) {
            Ok(()) => {
                self.manner.info(&format!("service {service} added to runlevel {level}"));
                Done::Changed
            }
            Err(error) => {
                let why = script::plain(&error);
                self.manner.error(&format!("{name}: failed to add service `{service}' to runlevel `{level}': {why}"));
                Done::Failed
            }
        }
    }

    fn delete(&self, level: &str, service: &str) -> Done {
        let name = &self.name;
        match fs::remove_file(runlevel(level).join(base(service))) {
            Ok(()) => {
                self.manner.info(&format!("service {service} removed from runlevel {level}"));
                return Done::Changed;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.manner.error(&format!("{name}: service `{service}' is not in the runlevel `{level}'"));
            }
            Err(error) => {
                let why = script::plain(&error);
                let text = format!("{name}: failed to remove service `{service}' from runlevel `{level}': {why}");
                self.manner.error(&text);
            }
        }
        Done::Failed
    }

    fn stack(&self, level: &str, other: &str) -> Done {
        let name = &self.name;
        let special = [SYSINIT, BOOT, "single", "shutdown"];
        let fault = if !is_runlevel(other) {
            format!("runlevel `{other}' does not exist")
        } else if level == other {
            format!("cannot stack `{other}' onto itself")
        } else if special.contains(&level) || special.contains(&other) {
            "cannot stack the sysinit runlevel".to_owned()
        } else {
            match symlink(format!("../{other}"), runlevel(level).join(other)) {
                Ok(()) => {
                    self.manner.info(&format!("runlevel {other} added to runlevel {level}"));
                    return Done::Changed;
                }
                Err(error) => format!("failed to stack `{other}' to `{level}': {}", script::plain(&error)),
            }
        };
        self.manner.error(&format!("{name}: {fault}"));
        Done::Failed
    }

    fn unstack(&self, level: &str, other: &str) -> Done {
        let name = &self.name;
        // A path would lead to files of others.
        let removed = match other.contains('/') {
            true => Err(io::ErrorKind::NotFound.into()),
            false => fs::remove_file(runlevel(level).join(other)),
        };
        match removed {
            Ok(()) => {
                self.manner.info(&format!("runlevel {other} removed from runlevel {level}"));
                return Done::Changed;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.manner.error(&format!("{name}: runlevel `{other}' is not in the runlevel `{level}'"));
            }
            Err(error) => {
                let why = script::plain(&error);
                let text = format!("{name}: failed to remove runlevel `{other}' from runlevel `{level}': {why}");
                self.manner.error(&text);
            }
        }
        Done::Failed
    }

    fn show(&self, levels: &[String]) {
        let mut all = services();
        all.sort();
        for service in all {
            let cells: Vec<String> = levels
                .iter()
                .map(|level| if is_in(&service, level) { level.clone() } else { " ".repeat(level.len()) })
                .collect();
            if self.manner.verbose || levels.iter().any(|level| is_in(&service, level)) {
                let row: String = cells.iter().map(|cell| format!(" {cell}")).collect();
                super::super::asker::say(&format!(" {service:>20} |{row}\n"));
            }
        }
    }
}

/// Links a script into a runlevel; into that of boot only one of the machine's own directory.
fn link(level: &str, service: &str, path: &Path) -> io::Result<()> {
    let mut target = path.to_owned();
    if level == BOOT {
        let directory = super::place(path.parent().unwrap_or(path)).canonicalize()?;
        if directory != below(SCRIPTS[0]) {
            return Err(io::Error::from_raw_os_error(1));
        }
        target = Path::new(SCRIPTS[0]).join(service);
    }
    symlink(target, runlevel(level).join(base(service)))
}
