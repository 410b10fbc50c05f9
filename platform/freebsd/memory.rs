//! What this process holds of the machine's memory, and gives back once it is not needed.

/// Makes the allocator give large pieces back as soon as they are free. Here it does so by itself.
///
/// Source: jemalloc(3).
pub fn keep_heap_small() {}

/// Gives memory back that was used at a moment and is not any more. Here the allocator does so by itself.
///
/// Source: jemalloc(3), `opt.dirty_decay_ms`.
pub fn give_back() {}
