//! The table of provisions, in the order in which rcorder's own walks through it.

use std::collections::HashMap;

/// One chain per bucket; the newest entry of a chain is last here and first there.
#[derive(Debug)]
pub(super) struct Table {
    index: HashMap<Vec<u8>, usize>,
    names: Vec<Vec<u8>>,
    buckets: Vec<Vec<usize>>,
}

/// Entries per bucket at which the table doubles.
const LOAD_MAX: usize = 8;

impl Table {
    pub(super) fn new(files: usize) -> Self {
        let size = if files == 0 { 16 } else { files.next_power_of_two().max(2) };
        Self { index: HashMap::new(), names: Vec::new(), buckets: vec![Vec::new(); size] }
    }

    /// The entry of a name, and whether it is new.
    pub(super) fn entry(&mut self, name: &[u8]) -> (usize, bool) {
        if let Some(found) = self.index.get(name) {
            return (*found, false);
        }
        if self.names.len() >= LOAD_MAX * self.buckets.len() {
            self.grow();
        }
        let entry = self.names.len();
        let at = bucket(name, self.buckets.len());
        self.buckets[at].push(entry);
        self.names.push(name.to_vec());
        self.index.insert(name.to_vec(), entry);
        (entry, true)
    }

    pub(super) fn name(&self, entry: usize) -> &[u8] {
        &self.names[entry]
    }

    /// Every entry, bucket after bucket.
    pub(super) fn walk(&self) -> impl Iterator<Item = usize> {
        self.buckets.iter().flat_map(|chain| chain.iter().rev().copied())
    }

    fn grow(&mut self) {
        let size = self.buckets.len() * 2;
        let old = std::mem::replace(&mut self.buckets, vec![Vec::new(); size]);
        for entry in old.iter().flat_map(|chain| chain.iter().rev()) {
            let at = bucket(&self.names[*entry], size);
            self.buckets[at].push(*entry);
        }
    }
}

fn bucket(name: &[u8], size: usize) -> usize {
    // A char is signed where this was written.
    let hash = name
        .iter()
        .fold(0_u32, |hash, byte| hash.wrapping_mul(31).wrapping_add_signed(i32::from(i8::from_ne_bytes([*byte]))));
    hash as usize & (size - 1)
}
