//! Which processes of a reaper belong to one tree, from what procctl(2) lists.

/// `REAPER_PIDINFO_CHILD`.
pub(crate) const CHILD: u32 = 0x02;
/// `REAPER_PIDINFO_REAPER`.
pub(crate) const REAPER: u32 = 0x04;
/// `REAPER_PIDINFO_ZOMBIE`.
pub(crate) const ZOMBIE: u32 = 0x08;

/// `struct procctl_reaper_pidinfo`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) pid: i32,
    /// The child of the reaper from which it descends, also after that child has ended.
    pub(crate) subtree: i32,
    pub(crate) flags: u32,
    pub(crate) pad: [u32; 15],
}

const _: () = assert!(size_of::<Entry>() == 72 && align_of::<Entry>() == 4);

/// How many entries to ask for next, where so many were asked for and so many came; `None`: the list is whole. The
/// kernel fills what it is given room for and does not say that there was more.
pub(crate) fn more_room(asked: usize, came: usize) -> Option<usize> {
    (came >= asked).then(|| asked.saturating_mul(2))
}

/// Entries of one tree that live.
pub(crate) fn living(list: &[Entry], subtree: i32) -> impl Iterator<Item = Entry> {
    list.iter().copied().filter(move |entry| entry.subtree == subtree && entry.flags & ZOMBIE == 0)
}

/// What is to be asked next, as another reaper: its descendants are not in the list.
pub(crate) fn is_reaper(entry: Entry) -> bool {
    entry.flags & REAPER != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_its_subtree_without_zombies() {
        let entry = |pid, subtree, flags| Entry { pid, subtree, flags, ..Entry::default() };
        let list = [
            entry(10, 10, CHILD | ZOMBIE | 1),
            entry(11, 10, 1),
            entry(12, 10, REAPER | 1),
            entry(20, 20, CHILD | 1),
            entry(21, 20, CHILD | 1),
        ];
        let pids = |subtree| living(&list, subtree).map(|entry| entry.pid).collect::<Vec<_>>();
        assert_eq!(pids(10), [11, 12], "its first process has ended, its number still stands for it");
        assert_eq!(pids(20), [20, 21]);
        assert_eq!(pids(30), [0; 0]);
        assert_eq!(living(&list, 10).filter(|entry| is_reaper(*entry)).count(), 1);
    }

    #[test]
    fn a_list_that_fills_its_room_is_asked_for_again_with_more() {
        assert_eq!(more_room(64, 63), None);
        assert_eq!(more_room(64, 64), Some(128));
    }
}
