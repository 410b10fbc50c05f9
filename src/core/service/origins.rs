//! Where each value of a service was written.

use alloc::collections::BTreeMap;
use alloc::string::String;
use core::ops::Range;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Which key was written where: key to `FILE:LINE`, sorted by key.
///
/// Held as one text, as it is made once and hardly ever asked: `KEY TAB PLACE LF` for each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins(String);

impl Origins {
    /// Where this key was written.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.iter().find(|(found, _)| *found == key).map(|(_, place)| place)
    }

    /// Whether this key was written anywhere.
    pub fn contains_key(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// This key was written there, and nowhere else.
    pub fn insert(&mut self, key: &str, place: &str) {
        let (key, place) = (plain(key), plain(place));
        let line = alloc::format!("{key}\t{place}\n");
        let range = self.place_of(&key);
        self.0.replace_range(range, &line);
        self.0.shrink_to_fit();
    }

    /// Every key with its place, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.lines().filter_map(|line| line.split_once('\t'))
    }

    /// Nothing was written.
    pub fn clear(&mut self) {
        self.0 = String::new();
    }

    /// The line of this key, or where it would be.
    fn place_of(&self, key: &str) -> Range<usize> {
        let mut start = 0;
        for line in self.0.split_inclusive('\n') {
            let found = line.split('\t').next().unwrap_or_default();
            if found >= key {
                let end = if found == key { start + line.len() } else { start };
                return start..end;
            }
            start += line.len();
        }
        start..start
    }
}

/// A text without what stands between the parts of ours; in a path it is as good as never.
fn plain(text: &str) -> String {
    text.replace(['\t', '\n'], " ")
}

impl Serialize for Origins {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Origins {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let all = BTreeMap::<String, String>::deserialize(deserializer)?;
        let lines = all.iter().map(|(key, place)| alloc::format!("{}\t{}\n", plain(key), plain(place)));
        let mut text: String = lines.collect();
        text.shrink_to_fit();
        Ok(Self(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stay_in_order_and_have_one_place_each() {
        let mut origins = Origins::default();
        for (key, place) in [("ready", "a:2"), ("command", "a:1"), ("stop", "a:9"), ("ready", "b:1"), ("r", "a:7")] {
            origins.insert(key, place);
        }
        let all: alloc::vec::Vec<_> = origins.iter().collect();
        assert_eq!(all, [("command", "a:1"), ("r", "a:7"), ("ready", "b:1"), ("stop", "a:9")]);
        assert_eq!((origins.get("ready"), origins.get("read")), (Some("b:1"), None));
        origins.insert("odd\tkey", "a\nb:3");
        assert_eq!(origins.get("odd key"), Some("a b:3"));
    }
}
