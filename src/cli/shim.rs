//! `svc shim`: a script in the place of a legacy one that leads to svcd, shown, written or taken away.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use clap::Args;
use svc_compat::shim::is_shim;
use svc_core::service::Kind;
use svc_core::{Name, Service};
use svc_platform::host;

use super::common::{Common, options};
use super::out::{fail, say};
use super::{code, json};
use crate::daemon::{self, image::Image};
use crate::shim::{self, Form};

/// What `svc shim` is told.
#[derive(Args, Debug)]
pub(crate) struct Words {
    /// The service
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Write it to the directory of scripts
    #[arg(long, conflicts_with = "remove")]
    pub(crate) write: bool,
    /// Take it away from there
    #[arg(long)]
    pub(crate) remove: bool,
    /// Also over a script that is none of ours, or that somebody edited
    #[arg(long)]
    pub(crate) force: bool,
}

/// Shows, writes or removes, and returns the exit code.
pub(crate) fn run(words: &Words, common: &Common) -> u8 {
    let (done, code) = match answer(words, common) {
        Ok(done) => (done, code::GOOD),
        Err((fault, code)) => return fail(common.json, &fault, code),
    };
    if common.json {
        say(&json::value("shim", serde_json::json!({ "name": words.name, "answer": done })));
    } else if !common.quiet || !(words.write || words.remove) {
        say(&done);
    }
    code
}

fn answer(words: &Words, common: &Common) -> Result<String, (String, u8)> {
    let root = super::common::root_of(common).map_err(|fault| (fault, code::FAILED))?;
    // Whatever else is no name is no file's either.
    let name = Name::new(&words.name).map_err(|error| (format!("{}: {error}", words.name), code::USAGE))?;
    let path = root.join(host::PLACES.shims).join(name.as_str());
    if words.remove {
        return remove(&path, words.force).map_err(|fault| (fault, code::FAILED));
    }
    let image = daemon::loader::read(&options(common), &[name.to_string()]);
    let service = find(&image, &name)?;
    let text = shim::text(service, Form::of(host::PLACES.shims), &scripts(&image, &root));
    if !words.write {
        return Ok(text);
    }
    let place = format!("/{}/{name}", host::PLACES.shims);
    if shim::is_run_by(service, &place) {
        let why = "its definition runs the script that is there, so a shim in its place would go in a circle";
        return Err((format!("{name}: {why}; move the script, and name it so in {}", of(service)), code::FAILED));
    }
    write(&path, &text, words.force).map_err(|fault| (fault, code::FAILED))
}

fn of(service: &Service) -> &str {
    service.files.first().map_or("its definition", String::as_str)
}

fn find<'a>(image: &'a Image, name: &Name) -> Result<&'a Service, (String, u8)> {
    if let Some(fault) = image.faults.iter().find(|faulty| faulty.name == name.as_str()) {
        return Err((fault.text.clone(), code::FAILED));
    }
    let Some(service) = image.services.iter().find(|service| service.name == *name) else {
        return Err((format!("no definition is called {name}; a shim leads to one"), code::NOT_INSTALLED));
    };
    if let Kind::Script(_) = service.kind {
        return Err((format!("{name} is a script already: {}", of(service)), code::FAILED));
    }
    Ok(service)
}

/// The names that scripts answer to: those that svcd runs, and the shims that are there.
fn scripts(image: &Image, root: &Path) -> BTreeSet<String> {
    let directory = root.join(host::PLACES.shims);
    let is_one =
        |service: &&Service| matches!(service.kind, Kind::Script(_)) || directory.join(service.name.as_str()).exists();
    let services = image.services.iter().map(|service| &**service).filter(is_one);
    services
        .flat_map(|service| std::iter::once(&service.name).chain(&service.links.provides))
        .map(Name::to_string)
        .collect()
}

/// What stands there, as text; nothing if there is nothing.
fn standing(path: &Path) -> Result<Option<String>, String> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        // A link that leads nowhere is something, too.
        Err(error) if error.kind() == io::ErrorKind::NotFound && path.is_symlink() => Ok(Some(String::new())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

fn write(path: &Path, text: &str, force: bool) -> Result<String, String> {
    let shown = path.display();
    let old = standing(path)?;
    let is_executable = fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o777 == 0o755);
    match old {
        Some(old) if old == text && is_executable => return Ok(format!("{shown}: as it was\n")),
        Some(old) if !force && !is_shim(old.as_bytes()) => {
            return Err(format!("{shown}: it is no shim of ours, so it is left alone; to write over it: --force"));
        }
        Some(old) if !force && !shim::is_untouched(&old) => {
            return Err(format!("{shown}: somebody edited it, so it is left alone; to write over it: --force"));
        }
        Some(_) | None => {}
    }
    let fault = |error: io::Error| format!("{shown}: {error}");
    let directory = path.parent().unwrap_or(path);
    fs::create_dir_all(directory).map_err(fault)?;
    let mut file = beside(directory, path)?;
    file.1.write_all(text.as_bytes()).map_err(fault)?;
    file.1.set_permissions(fs::Permissions::from_mode(0o755)).map_err(fault)?;
    file.1.sync_all().and_then(|()| fs::rename(&file.0, path)).map_err(fault)?;
    Ok(format!("{shown}: written\n"))
}

/// A new file that becomes the script once it is whole.
fn beside(directory: &Path, path: &Path) -> Result<(PathBuf, fs::File), String> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let half = directory.join(format!(".{name}.new"));
    let fault = |error: io::Error| format!("{}: {error}", half.display());
    match fs::remove_file(&half) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(fault(error)),
        Ok(()) | Err(_) => {}
    }
    let file = fs::File::create_new(&half).map_err(fault)?;
    Ok((half, file))
}

fn remove(path: &Path, force: bool) -> Result<String, String> {
    let shown = path.display();
    match standing(path)? {
        None => Ok(format!("{shown}: there is none\n")),
        Some(old) if !is_shim(old.as_bytes()) => Err(format!("{shown}: it is no shim of ours, so it stays")),
        Some(old) if !force && !shim::is_untouched(&old) => {
            Err(format!("{shown}: somebody edited it, so it stays; to remove it all the same: --force"))
        }
        Some(_) => match fs::remove_file(path) {
            Ok(()) => Ok(format!("{shown}: removed\n")),
            Err(error) => Err(format!("{shown}: {error}")),
        },
    }
}
