//! What a run did, for people and programs.

use serde::Serialize;
use svc_core::service::{ConfigureThen, Kind, Reload};
use svc_core::{Name, Service};

use super::fault::ConfigureError;

/// All of it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Each service that was looked at.
    pub services: Vec<ServiceReport>,
    /// What is worth knowing beside.
    pub notes: Vec<String>,
}

/// What became of one service's files.
#[derive(Clone, Debug, Serialize)]
pub struct ServiceReport {
    /// Its name.
    pub name: Name,
    /// Each of its files.
    pub files: Vec<FileReport>,
    /// What it needs to take notice of the change.
    pub then: Then,
    /// Why nothing was changed, with every place and caret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// Its values, if they were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<ValueReport>,
}

/// What became of one file.
#[derive(Clone, Debug, Serialize)]
pub struct FileReport {
    /// Its path, as the definition has it.
    pub target: String,
    /// What happened to it, or would.
    pub effect: Effect,
    /// The unified difference.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub diff: String,
    /// What is worth knowing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// What happens to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// It is as it should be, and is not touched.
    Same,
    /// It was not there.
    Made,
    /// It has other content, another owner or other permissions.
    Changed,
    /// It is there no more.
    Removed,
}

/// A value and where it was written.
#[derive(Clone, Debug, Serialize)]
pub struct ValueReport {
    /// Its whole name.
    pub name: String,
    /// The value.
    pub value: String,
    /// `FILE:LINE`, or who says it.
    pub origin: String,
}

/// What a running service needs once its files changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Then {
    /// Nothing.
    Nothing,
    /// To read them again.
    Reload,
    /// To be started anew.
    Restart,
    /// Its definition has a command of its own for all this, which is still to be run.
    Command,
}

impl Then {
    /// What this service needs.
    pub(crate) fn of(service: &Service) -> Self {
        let can_reload = match &service.kind {
            _ if service.instead("reload").is_some() => true,
            Kind::Script(script) => script.verbs.iter().any(|verb| verb == "reload"),
            _ => service.reload != Reload::None,
        };
        match service.configure_then {
            ConfigureThen::Nothing => Self::Nothing,
            ConfigureThen::Reload => Self::Reload,
            ConfigureThen::Restart => Self::Restart,
            ConfigureThen::Adapt if matches!(service.kind, Kind::Group) => Self::Nothing,
            ConfigureThen::Adapt if can_reload => Self::Reload,
            ConfigureThen::Adapt => Self::Restart,
        }
    }
}

impl Effect {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Same => "unchanged",
            Self::Made => "made",
            Self::Changed => "changed",
            Self::Removed => "removed",
        }
    }
}

impl ServiceReport {
    /// Nothing was changed, for this reason.
    pub(crate) fn failed(name: &Name, error: &ConfigureError) -> Self {
        let fault = Some(error.to_string());
        Self { name: name.clone(), files: Vec::new(), then: Then::Nothing, fault, values: Vec::new() }
    }

    /// A command of the definition is what makes its files.
    pub(crate) fn by_command(name: &Name) -> Self {
        Self { name: name.clone(), files: Vec::new(), then: Then::Command, fault: None, values: Vec::new() }
    }

    /// Whether any file is not what it was.
    pub fn changed(&self) -> bool {
        self.files.iter().any(|file| file.effect != Effect::Same)
    }
}
