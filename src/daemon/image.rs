//! What a loader hands over: checked services, and everything it found worth saying.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use svc_compat::order::boot::DIVIDER;
use svc_core::service::Known;
use svc_core::{Name, Service};

use crate::wire::Finding;

/// The longest image that is accepted, in bytes.
pub(crate) const IMAGE_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Everything a loader read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Image {
    /// Every service whose files had no fault.
    #[serde(deserialize_with = "sharing")]
    pub(crate) services: Vec<Arc<Service>>,
    /// Files with faults.
    pub(crate) faults: Vec<Faulty>,
    /// Remarks on files that did no harm.
    pub(crate) notes: Vec<String>,
    /// What was looked at for each service, and what was found.
    pub(crate) findings: BTreeMap<Name, Vec<Finding>>,
    /// Services that cannot start as they are written: circles, requirements that nothing meets.
    pub(crate) broken: BTreeMap<Name, String>,
    /// Names of files that are no service, and why.
    pub(crate) not_services: BTreeMap<String, String>,
    /// The script after which a boot looks at the directories of local ones; empty: the usual one.
    #[serde(default)]
    pub(crate) divider: String,
}

impl Image {
    /// The script after which a boot looks at the directories of local ones.
    pub(crate) fn divider(&self) -> &str {
        if self.divider.is_empty() { DIVIDER } else { &self.divider }
    }
}

/// A service that cannot be read. What an earlier load read of it stays in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Faulty {
    /// Its name, as its file has it.
    pub(crate) name: String,
    /// The faults, rendered, each with file, line and caret.
    pub(crate) text: String,
}

/// Takes services one by one, so that what many have alike is held once from the first moment: memory that was full of
/// copies would stay full of holes.
fn sharing<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Arc<Service>>, D::Error> {
    struct Services;

    impl<'de> Visitor<'de> for Services {
        type Value = Vec<Arc<Service>>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of services")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let (mut known, mut all) = (Known::default(), Vec::new());
            while let Some(mut service) = list.next_element::<Service>()? {
                service.share(&mut known);
                all.push(Arc::new(service));
            }
            Ok(all)
        }
    }

    from.deserialize_seq(Services)
}
