//! Names of services, checked once.

use alloc::string::String;
use alloc::sync::Arc;
use core::borrow::Borrow;
use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest name, in bytes: with a run number it must still fit a file name.
pub const NAME_BYTES_MAX: usize = 200;

/// A service's name: letters, digits and `_ . : + @ -`, not starting with `.` or `-`, at most 200 bytes.
///
/// It is safe as a file name, as a word of a command line and in a message. `getty@tty1` is the instance `tty1` of
/// the template `getty@`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

/// Why a text is no service name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameError {
    /// It is empty.
    Empty,
    /// It has more than [`NAME_BYTES_MAX`] bytes.
    TooLong,
    /// It has this character, or starts with it.
    BadChar(char),
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => write!(f, "a service name cannot be empty"),
            Self::TooLong => write!(f, "a service name has at most {NAME_BYTES_MAX} bytes"),
            Self::BadChar(found) => write!(
                f,
                "a service name has letters, digits and _ . : + @ - and does not start with . or -: found {found:?}"
            ),
        }
    }
}

impl core::error::Error for NameError {}

impl Name {
    /// Checks a text and makes it a name.
    ///
    /// # Errors
    ///
    /// [`NameError`] for anything that could be taken for a path, an option or an escape sequence.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let Some(first) = text.chars().next() else { return Err(NameError::Empty) };
        if text.len() > NAME_BYTES_MAX {
            return Err(NameError::TooLong);
        }
        if first == '.' || first == '-' {
            return Err(NameError::BadChar(first));
        }
        let allowed = |found: &char| found.is_ascii_alphanumeric() || "_.:+@-".contains(*found);
        match text.chars().find(|found| !allowed(found)) {
            Some(found) => Err(NameError::BadChar(found)),
            None => Ok(Self(Arc::from(text))),
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// For `getty@tty1` the template `getty@` and the instance `tty1`.
    pub fn instance(&self) -> Option<(&str, &str)> {
        let at = self.0.find('@')?;
        let (template, instance) = self.0.split_at(at + 1);
        (!instance.is_empty()).then_some((template, instance))
    }

    /// Whether this names a template (`getty@`), which is no service itself.
    pub fn is_template(&self) -> bool {
        self.0.ends_with('@')
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::new(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_could_be_a_path_an_option_or_an_escape_is_refused() {
        for bad in ["", ".", "..", "../x", "a/b", "-rf", ".hidden", "a b", "a\nb", "a\u{1b}[1m", "ä"] {
            assert!(Name::new(bad).is_err(), "{bad:?}");
        }
        for good in ["web", "getty@tty1", "net.eth0", "x11-common", "a+b", "hwclock.sh", "0"] {
            assert!(Name::new(good).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn an_instance_is_told_from_its_template() {
        assert_eq!(Name::new("getty@tty1").unwrap().instance(), Some(("getty@", "tty1")));
        assert_eq!(Name::new("getty@").unwrap().instance(), None);
        assert!(Name::new("getty@").unwrap().is_template());
    }
}
