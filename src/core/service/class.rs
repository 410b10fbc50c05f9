//! Classes of services: what is usual for services of one sort, said by one word.

use serde::{Deserialize, Serialize};

/// What sort of service it is. Key: `class`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// What the machine itself needs: devices, clocks, logs. Starts before the others.
    System,
    /// What connects the machine. Starts after the system, before the rest.
    Network,
    /// What the machine is for.
    #[default]
    Service,
    /// What belongs to a user other than root.
    User,
    /// What runs only because others need it.
    Helper,
}

impl Class {
    /// All of them with their words.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::System, "system"),
        (Self::Network, "network"),
        (Self::Service, "service"),
        (Self::User, "user"),
        (Self::Helper, "helper"),
    ];

    /// The word for it.
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|row| row.0 == self).map_or("?", |row| row.1)
    }

    /// The class of this word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|row| row.1 == word).map(|row| row.0)
    }

    /// Its place in the order of a start; `None`: it is started when it is needed.
    pub fn tier(self) -> Option<u8> {
        match self {
            Self::System => Some(0),
            Self::Network => Some(1),
            Self::Service | Self::User => Some(2),
            Self::Helper => None,
        }
    }
}
