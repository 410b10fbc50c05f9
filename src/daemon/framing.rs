//! Lines out of a stream that may stop in the middle, send garbage, or never end.

use crate::wire::LINE_BYTES_MAX;

/// Bytes that came, until they make a line.
#[derive(Debug, Default)]
pub(crate) struct Framer {
    bytes: Vec<u8>,
    /// Up to here there is no line end.
    looked: usize,
}

/// What the bytes so far amount to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Framed {
    /// A whole line, without its end.
    Line(Vec<u8>),
    /// Not yet a whole line.
    Half,
    /// More than [`LINE_BYTES_MAX`] without a line end.
    TooLong,
}

impl Framer {
    /// Takes what came.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Framed {
        self.bytes.extend_from_slice(bytes);
        match self.bytes[self.looked..].iter().position(|byte| *byte == b'\n') {
            Some(at) if self.looked + at <= LINE_BYTES_MAX => {
                let rest = self.bytes.split_off(self.looked + at + 1);
                let mut line = std::mem::replace(&mut self.bytes, rest);
                self.looked = 0;
                line.pop();
                Framed::Line(line)
            }
            None if self.bytes.len() <= LINE_BYTES_MAX => {
                self.looked = self.bytes.len();
                Framed::Half
            }
            _ => Framed::TooLong,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_may_come_in_any_pieces() {
        let text = b"{\"request\":\"hello\"}\n";
        for cut in 0..text.len() {
            let mut framer = Framer::default();
            assert_eq!(framer.push(&text[..cut]), Framed::Half);
            assert_eq!(framer.push(&text[cut..]), Framed::Line(text[..text.len() - 1].to_vec()));
        }
    }

    #[test]
    fn a_line_that_never_ends_is_refused_once_it_is_too_long() {
        let mut framer = Framer::default();
        assert_eq!(framer.push(&vec![b'x'; LINE_BYTES_MAX]), Framed::Half);
        assert_eq!(framer.push(b"xx"), Framed::TooLong);
    }

    #[test]
    fn a_huge_line_is_refused_even_if_its_end_is_there() {
        let mut line = vec![b'x'; LINE_BYTES_MAX + 1];
        line.push(b'\n');
        assert_eq!(Framer::default().push(&line), Framed::TooLong);
    }
}
