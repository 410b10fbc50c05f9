//! What many services have alike is held once.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::{Deref, DerefMut};

use serde::{Deserialize, Serialize};

/// A part of a service, in use by any number of them. Whoever changes it gets one of their own first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Shared<T>(Arc<T>);

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Clone> DerefMut for Shared<T> {
    fn deref_mut(&mut self) -> &mut T {
        Arc::make_mut(&mut self.0)
    }
}

impl<T> From<T> for Shared<T> {
    fn from(part: T) -> Self {
        Self(Arc::new(part))
    }
}

impl<T: Clone + PartialEq> Shared<T> {
    /// Uses one of `known` instead if it is the same; else that is known from now on, as long as there are few.
    pub(super) fn share(&mut self, known: &mut Vec<Self>) {
        /// Looked through for each service, so they must be few.
        const KNOWN_MAX: usize = 32;
        match known.iter().find(|one| *one == self) {
            Some(one) => *self = one.clone(),
            None if known.len() < KNOWN_MAX => known.push(self.clone()),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn what_is_alike_is_held_once_until_it_is_changed() {
        let mut known = vec![];
        let (mut one, mut other): (Shared<u32>, Shared<u32>) = (7.into(), 7.into());
        one.share(&mut known);
        other.share(&mut known);
        assert!(Arc::ptr_eq(&one.0, &other.0));
        *other = 8;
        assert_eq!((*one, *other), (7, 8));
    }
}
