//! From a service and a job to a launch: everything that can be made before the process is.

use std::ffi::CString;
use std::path::{Path, PathBuf};

use svc_compat::environment::{RC_DEBUG, of_rc_boot};
use svc_core::Job;
use svc_core::service::{Condition, Exec, Reload, Service};
use svc_platform::below::{Looks, make_below};
use svc_platform::launch::{Placement, Resource, c_string};
use svc_platform::{Identity, Launch, Terminal, host};

use super::ceilings::OF_TREES;
use super::environment::{self, Environment};
use crate::daemon::lend;

/// What a launch must know beside the service.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings<'a> {
    /// The daemon's own runtime directory.
    pub(crate) runtime: &'a Path,
    /// Where directories that live as long as the machine is up are made: `/run`.
    pub(crate) volatile: &'a Path,
    /// The directory that stands for `/` where files are read.
    pub(crate) root: &'a Path,
    /// The daemon serves a machine, not a user.
    pub(crate) is_root: bool,
    /// The main process that the job is about.
    pub(crate) main: Option<i32>,
    /// Where the program can say how it is.
    pub(crate) notify: Option<PathBuf>,
    /// What the machine itself is doing.
    pub(crate) machine: Machine,
}

/// What a machine does whose process 1 is ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Machine {
    /// Nothing that scripts need to know.
    #[default]
    Runs,
    /// It boots, and this service is started for it.
    Boots,
    /// The same after it was in single-user mode.
    BootsAgain,
    /// It ends, and this service is stopped for it.
    Ends,
}

/// Makes a launch; descriptors and tree are for the caller to add.
pub(crate) fn launch(service: &Service, job: &Job, around: &Surroundings<'_>) -> Result<Launch<'static>, String> {
    let words = lend::around(words(service, job, around.machine)?, service, around.runtime)?;
    let program = words.first().ok_or_else(|| format!("there is no command to {job} it"))?;
    let mut variables = if service.is_script() {
        environment::of_script(service, around.root)?
    } else {
        environment::of_program(service, around.is_root)?
    };
    own_variables(&mut variables, service, around);
    let is_again = around.machine == Machine::BootsAgain;
    let boots = service.rc_conf().is_some() && (is_again || around.machine == Machine::Boots);
    if boots {
        let of_boot = of_rc_boot(is_again, (!host::FIRST_MAY_END).then(debug));
        variables.extend(of_boot.into_iter().map(|(name, value)| (name.to_owned(), value)));
    }
    variables.extend(verb_of(service, job).map(|verb| ("SVC_VERB".into(), verb.into())));
    let text = |text: &str| c_string(text).map_err(|error| error.to_string());
    let arguments = words.iter().map(|word| text(word)).collect::<Result<Vec<_>, _>>()?;
    let mut launch = Launch::new(text(program)?, arguments);
    // The name by which a session is logged in is one for all who are in it.
    if boots && !host::FIRST_MAY_END && service.exec.identity.is_none() {
        launch.terminal = Terminal::Shares;
    }
    if matches!(job, Job::Start) {
        make_directories(service, around, &mut variables)?;
    }
    launch.environment = variables
        .iter()
        .map(|(name, value)| text(&format!("{name}={value}")))
        .collect::<Result<Vec<CString>, String>>()?;
    set_up(&mut launch, &service.exec, around)?;
    Ok(launch)
}

/// What scripts of a boot are to tell of themselves: our own environment says so, or the boot loader was told.
fn debug() -> String {
    let told = std::env::var(RC_DEBUG).ok().filter(|told| !told.is_empty());
    let loader = || host::from_loader(&c_string(RC_DEBUG).ok()?);
    told.or_else(loader).unwrap_or_default()
}

fn words(service: &Service, job: &Job, machine: Machine) -> Result<Vec<String>, String> {
    if let Some(words) = defined(service, job) {
        return Ok(words);
    }
    if service.is_script() {
        let mut words = service.command.clone();
        match job {
            // What is passed through is words, as a person would type them.
            Job::Verb(verb) => words.extend(verb.split_whitespace().map(str::to_owned)),
            // As rc(8) and rc.shutdown(8) call them: without a look at what runs, and without a word of what is off.
            Job::Start if machine == Machine::Boots && service.rc_conf().is_some() => words.push("faststart".into()),
            Job::Start if machine == Machine::BootsAgain && service.rc_conf().is_some() => {
                words.push("quietstart".into());
            }
            Job::Stop if machine == Machine::Ends && service.rc_conf().is_some() => words.push("faststop".into()),
            Job::Start | Job::Stop | Job::Reload => words.push(job.to_string()),
            Job::Instead(_) | Job::Before(_) | Job::After(_) => return Err(format!("there is no {job} any more")),
        }
        return Ok(words);
    }
    match job {
        Job::Start => Ok(service.command.clone()),
        Job::Stop if service.stop.command.is_empty() => Ok(service.before("stop").unwrap_or_default().to_vec()),
        Job::Stop => Ok(service.stop.command.clone()),
        Job::Reload => match &service.reload {
            Reload::Command(words) => Ok(words.clone()),
            Reload::None | Reload::Signal(_) => Ok(Vec::new()),
        },
        Job::Verb(verb) => Err(format!("`{verb}` is a script's own verb, and this is no script")),
        Job::Instead(_) | Job::Before(_) | Job::After(_) => Err(format!("there is no {job} any more")),
    }
}

/// The command that `[verbs]` has for a job; what was typed after an own verb follows it.
fn defined(service: &Service, job: &Job) -> Option<Vec<String>> {
    let (command, more) = match job {
        Job::Start => (service.instead("start"), ""),
        Job::Stop => (service.instead("stop"), ""),
        Job::Reload => (service.instead("reload"), ""),
        Job::Before(verb) => (service.before(verb), ""),
        Job::After(verb) => (service.after(verb), ""),
        Job::Instead(words) => {
            let (verb, more) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
            (service.instead(verb), more)
        }
        Job::Verb(_) => return None,
    };
    let more = more.split_whitespace().map(str::to_owned);
    command.map(|words| words.iter().cloned().chain(more).collect())
}

/// The verb that a command of `[verbs]` is run for.
fn verb_of<'a>(service: &Service, job: &'a Job) -> Option<&'a str> {
    match job {
        Job::Before(verb) | Job::After(verb) => Some(verb),
        Job::Instead(words) => words.split_whitespace().next(),
        Job::Stop if service.instead("stop").or(service.before("stop")).is_some() => Some("stop"),
        Job::Reload if service.instead("reload").is_some() => Some("reload"),
        Job::Start | Job::Stop | Job::Reload | Job::Verb(_) => None,
    }
}

fn own_variables(to: &mut Environment, service: &Service, around: &Surroundings<'_>) {
    to.insert("SVC_NAME".into(), service.name.to_string());
    if let Some(pid) = around.main {
        to.insert("MAINPID".into(), pid.to_string());
    }
    if let Some(path) = &around.notify {
        to.insert("NOTIFY_SOCKET".into(), path.to_string_lossy().into_owned());
    }
    if let Some(every) = service.watchdog {
        to.insert("WATCHDOG_USEC".into(), every.as_micros().to_string());
    }
}

fn set_up(launch: &mut Launch<'_>, exec: &Exec, around: &Surroundings<'_>) -> Result<(), String> {
    let path = |path: &Option<String>| {
        path.as_deref().map(|path| c_string(path).map_err(|error| error.to_string())).transpose()
    };
    if let Some(directory) = path(&exec.directory)? {
        launch.directory = Some(directory);
    }
    launch.chroot = path(&exec.chroot)?;
    launch.umask = Some(exec.umask.unwrap_or(0o022));
    launch.nice = exec.nice;
    launch.oom_score = exec.oom_score;
    launch.placement = placement(exec, around)?;
    for (name, limit) in exec.limits.iter().filter(|(name, _)| !OF_TREES.contains(&name.as_str())) {
        let resource =
            Resource::named(name).ok_or_else(|| format!("limit `{name}` is not to be had on this system"))?;
        launch.limits.push((resource, *limit));
    }
    if let Some(identity) = &exec.identity {
        let who =
            identity.resolved.as_ref().ok_or_else(|| format!("becoming its user: no such user `{}`", identity.user))?;
        launch.identity = Some(Identity { uid: who.uid, gid: who.gid, gids: who.gids.clone() });
    }
    Ok(())
}

fn placement(exec: &Exec, around: &Surroundings<'_>) -> Result<Placement, String> {
    let text = |text: &str| c_string(text).map_err(|error| error.to_string());
    let who = exec.identity.as_ref().and_then(|identity| identity.resolved.as_ref()).filter(|_| around.is_root);
    let class = Some(&exec.login_class).filter(|class| !class.is_empty());
    Ok(Placement {
        processors: exec.cpuset.clone(),
        login: who.map(|who| text(&who.login)).transpose()?,
        login_class: class.map(|class| text(class)).transpose()?,
        fib: exec.fib,
        protect: exec.protect,
    })
}

fn make_directories(service: &Service, around: &Surroundings<'_>, to: &mut Environment) -> Result<(), String> {
    let mut made: Vec<PathBuf> = Vec::new();
    let owner = service.exec.runtime_owner.as_ref();
    if let Some(unknown) = owner.filter(|owner| owner.resolved.is_none()) {
        return Err(format!("making its runtime-directory: no such owner `{}`", unknown.user));
    }
    let owner = owner.or(service.exec.identity.as_ref()).and_then(|owner| owner.resolved.as_ref());
    for name in &service.exec.runtime_directories {
        let path = around.volatile.join(name);
        let looks = Looks { owner: owner.map(|who| (who.uid, who.gid)), mode: service.exec.runtime_mode };
        make_below(around.volatile, Path::new(name), looks)
            .map_err(|error| format!("making runtime-directory {name}: {error}"))?;
        made.push(path);
    }
    if !made.is_empty() {
        let list: Vec<_> = made.iter().map(|path| path.to_string_lossy()).collect();
        to.insert("RUNTIME_DIRECTORY".into(), list.join(":"));
    }
    Ok(())
}

/// Whether this host is of this kind, or of this system.
fn is_host(kind: &str) -> bool {
    match (kind, host::kind()) {
        ("machine", host::Kind::Machine) | ("vm", host::Kind::Vm(_)) | ("container", host::Kind::Container(_)) => true,
        ("machine" | "vm" | "container", _) => false,
        (system, _) => system == std::env::consts::OS,
    }
}

/// The first condition that does not hold here, as a sentence.
pub(crate) fn unmet(conditions: &[Condition]) -> Option<String> {
    conditions.iter().find_map(|condition| {
        let (holds, not, what) = match condition {
            Condition::Path { path, not } => (Path::new(path).exists(), *not, format!("path {path} exists")),
            Condition::Host { host: kind, not } => (is_host(kind), *not, format!("this host is a {kind}")),
            Condition::Environment { name, value, not } => {
                let found = std::env::var(name).ok();
                let holds = found.is_some() && (value.is_none() || *value == found);
                let what =
                    value.as_ref().map_or_else(|| format!("{name} is set"), |value| format!("{name} is `{value}`"));
                (holds, *not, what)
            }
        };
        match (holds, not) {
            (false, false) => Some(format!("condition not met: {what}")),
            (true, true) => Some(format!("condition not met: not: {what}")),
            (true, false) | (false, true) => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use svc_core::Name;
    use svc_core::service::{Kind, RcConf, Script, Verb};

    fn around(volatile: &Path) -> Surroundings<'_> {
        Surroundings {
            runtime: volatile,
            root: Path::new("/"),
            volatile,
            is_root: true,
            main: Some(42),
            notify: None,
            machine: Machine::Runs,
        }
    }

    fn strings(words: &[CString]) -> Vec<&str> {
        words.iter().map(|word| word.to_str().unwrap()).collect()
    }

    #[test]
    fn a_script_is_called_by_its_verb() {
        let mut service = Service::new(Name::new("web").unwrap(), Kind::Script(Box::default()));
        service.command = vec!["/etc/init.d/web".into()];
        let made = launch(&service, &Job::Stop, &around(Path::new("/run"))).unwrap();
        assert_eq!(strings(&made.arguments), ["/etc/init.d/web", "stop"]);
        let made = launch(&service, &Job::Verb("upgrade  now".into()), &around(Path::new("/run"))).unwrap();
        assert_eq!(strings(&made.arguments), ["/etc/init.d/web", "upgrade", "now"]);
        assert_eq!(made.directory.as_deref(), Some(c"/"));
    }

    #[test]
    fn what_a_definition_says_of_a_verb_goes_before_what_a_script_has() {
        let mut service = Service::new(Name::new("web").unwrap(), Kind::Script(Box::default()));
        service.command = vec!["/etc/init.d/web".into()];
        let command = |text: &str| Verb { command: vec![text.into()], ..Verb::default() };
        service.verbs.insert("reload".into(), command("/bin/kick"));
        service.verbs.insert("test".into(), command("/bin/test"));
        let arguments = |job: &Job| {
            let made = launch(&service, job, &around(Path::new("/run"))).unwrap();
            let verb = strings(&made.environment).into_iter().find(|entry| entry.starts_with("SVC_VERB="));
            (strings(&made.arguments).join(" "), verb.map(str::to_owned))
        };
        assert_eq!(arguments(&Job::Reload), ("/bin/kick".into(), Some("SVC_VERB=reload".into())));
        assert_eq!(arguments(&Job::Verb("reload".into())), ("/etc/init.d/web reload".into(), None));
        assert_eq!(
            arguments(&Job::Instead("test  -v x".into())),
            ("/bin/test -v x".into(), Some("SVC_VERB=test".into()))
        );
        assert_eq!(arguments(&Job::Stop), ("/etc/init.d/web stop".into(), None));
        assert!(launch(&service, &Job::Before("stop".into()), &around(Path::new("/run"))).is_err());
    }

    #[test]
    fn a_machine_that_boots_or_ends_calls_rc_d_scripts_as_its_own_init_does() {
        let mut script = Script { rc_conf: Some(RcConf::default()), ..Script::default() };
        let called = |script: &Script, job: &Job, machine| {
            let mut service = Service::new(Name::new("cron").unwrap(), Kind::Script(Box::new(script.clone())));
            service.command = vec!["/etc/rc.d/cron".into()];
            let made = launch(&service, job, &Surroundings { machine, ..around(Path::new("/run")) }).unwrap();
            (strings(&made.arguments)[1].to_owned(), strings(&made.environment).contains(&"autoboot=yes"))
        };
        assert_eq!(called(&script, &Job::Start, Machine::Boots), ("faststart".into(), true));
        assert_eq!(called(&script, &Job::Start, Machine::BootsAgain), ("quietstart".into(), false));
        assert_eq!(called(&script, &Job::Stop, Machine::Ends), ("faststop".into(), false));
        assert_eq!(called(&script, &Job::Start, Machine::Runs), ("start".into(), false));
        script.rc_conf = None;
        assert_eq!(called(&script, &Job::Start, Machine::Boots), ("start".into(), false));
    }

    #[test]
    fn a_job_knows_which_process_it_is_about() {
        let mut service = Service::new(Name::new("web").unwrap(), Kind::Process);
        service.reload = Reload::Command(vec!["/bin/true".into()]);
        let made = launch(&service, &Job::Reload, &around(Path::new("/run"))).unwrap();
        let environment = strings(&made.environment);
        assert!(environment.contains(&"MAINPID=42") && environment.contains(&"SVC_NAME=web"));
        assert!(launch(&service, &Job::Stop, &around(Path::new("/run"))).is_err());
    }

    #[test]
    fn runtime_directories_are_made_and_named() {
        let dir = tempfile::tempdir().unwrap();
        let mut service = Service::new(Name::new("web").unwrap(), Kind::Process);
        service.command = vec!["/bin/true".into()];
        service.exec.runtime_directories = vec!["web".into(), "web/sub".into()];
        service.exec.runtime_mode = Some(0o2710);
        let made = launch(&service, &Job::Start, &around(dir.path())).unwrap();
        assert_eq!(fs::metadata(dir.path().join("web/sub")).unwrap().permissions().mode() & 0o7777, 0o2710);
        let named = format!("RUNTIME_DIRECTORY={0}/web:{0}/web/sub", dir.path().display());
        assert!(strings(&made.environment).contains(&named.as_str()));
        // Whoever has one of them cannot have us give the mode to what a link of his names.
        fs::remove_dir(dir.path().join("web/sub")).unwrap();
        fs::create_dir(dir.path().join("aim")).unwrap();
        fs::set_permissions(dir.path().join("aim"), fs::Permissions::from_mode(0o700)).unwrap();
        symlink("../aim", dir.path().join("web/sub")).unwrap();
        let error = launch(&service, &Job::Start, &around(dir.path())).unwrap_err();
        let path = dir.path().join("web/sub");
        let said = format!("making runtime-directory web/sub: {} is a link or no directory; remove it", path.display());
        assert_eq!(error, said);
        assert_eq!(fs::metadata(dir.path().join("aim")).unwrap().permissions().mode() & 0o7777, 0o700);
    }

    #[test]
    fn the_condition_that_fails_is_said() {
        let path = |path: &str, not| Condition::Path { path: path.into(), not };
        assert_eq!(unmet(&[path("/", false), path("/nonexistent", true)]), None);
        assert_eq!(unmet(&[path("/nonexistent", false)]).unwrap(), "condition not met: path /nonexistent exists");
        assert_eq!(unmet(&[path("/", true)]).unwrap(), "condition not met: not: path / exists");
    }
}
