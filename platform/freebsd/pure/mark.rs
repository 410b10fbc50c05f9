//! The mark that every process of a run carries in its environment, in a form in which the kernel can read it back.

/// The kernel reads a text in pieces of so many bytes. Where a piece would reach beyond the last page of the stack it
/// says that there is no memory, and nothing of what follows is to be had as long as the process lives: by chance that
/// is so for one process in twenty.
const PIECE_BYTES: usize = 256;
/// At least so many bytes are between the last text and the end of that page: how many of them there are of what.
const ABOVE_BYTES: usize = 32;

/// Fills an entry up with blanks, so that its last piece ends on the page wherever the entry stands.
pub(crate) fn filled(mut entry: String) -> String {
    let last = (entry.len() + 1) % PIECE_BYTES;
    let blanks = (PIECE_BYTES - ABOVE_BYTES).saturating_sub(last);
    entry.extend(std::iter::repeat_n(' ', blanks));
    entry
}

/// What was filled up.
pub(crate) fn bare(entry: &[u8]) -> &[u8] {
    entry.trim_ascii_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_piece_of_a_filled_entry_never_reaches_beyond_the_page() {
        for length in 0..1000 {
            let entry = "x".repeat(length);
            let filled = filled(entry.clone());
            assert_eq!(bare(filled.as_bytes()), entry.as_bytes());
            // As near to the end as there is room.
            let beyond = filled.len() + 1 + ABOVE_BYTES;
            let last_piece = filled.len() / PIECE_BYTES * PIECE_BYTES;
            assert!(last_piece + PIECE_BYTES <= beyond, "{length}: {}", filled.len());
        }
    }
}
