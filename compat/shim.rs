//! Scripts that svc itself has left among the legacy ones: they only lead to svcd, and are no services.

/// How the second line of such a script begins; the name of its service follows.
pub const MARK: &str = "# shim of svc for ";

/// Whether this is such a script, also if somebody edited it.
pub fn is_shim(text: &[u8]) -> bool {
    text.split(|byte| *byte == b'\n').take(2).any(|line| line.starts_with(MARK.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shim_says_so_at_its_top() {
        assert!(is_shim(b"#!/bin/sh\n# shim of svc for web, sum 1\n"));
        assert!(!is_shim(b"#!/bin/sh\necho\n# shim of svc for web, sum 1\n"));
        assert!(!is_shim(b""));
    }
}
