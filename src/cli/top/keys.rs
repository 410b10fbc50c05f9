//! What was typed, out of the bytes a terminal sends.

/// A key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Letter(char),
    /// With the control key.
    Control(char),
    Enter,
    Escape,
    Backspace,
    Up,
    Down,
    PageUp,
    PageDown,
    Home,
    End,
}

/// The keys in what one read brought; sequences nobody knows are passed over.
pub(super) fn keys(bytes: &[u8]) -> Vec<Key> {
    let text = String::from_utf8_lossy(bytes);
    let mut rest: &str = &text;
    let mut found = Vec::new();
    while let Some(first) = rest.chars().next() {
        if first == '\u{1b}' {
            let length = sequence(rest);
            found.extend(named(&rest[..length]));
            rest = &rest[length..];
            continue;
        }
        rest = &rest[first.len_utf8()..];
        found.extend(match first {
            '\r' | '\n' => Some(Key::Enter),
            '\u{7f}' | '\u{8}' => Some(Key::Backspace),
            '\u{1}'..='\u{1a}' => char::from_u32(u32::from(first) + 0x60).map(Key::Control),
            _ if first.is_control() => None,
            letter => Some(Key::Letter(letter)),
        });
    }
    found
}

/// How many bytes belong to the escape sequence at the beginning: up to its final letter.
fn sequence(text: &str) -> usize {
    let mut letters = text.char_indices().skip(1);
    match letters.next() {
        Some((_, '[' | 'O')) => letters
            .find(|(_, letter)| ('@'..='~').contains(letter))
            .map_or(text.len(), |(at, letter)| at + letter.len_utf8()),
        // Escape alone, or a key with Alt, which means the key.
        Some(_) | None => 1,
    }
}

fn named(sequence: &str) -> Option<Key> {
    match sequence {
        "\u{1b}" => Some(Key::Escape),
        "\u{1b}[A" | "\u{1b}OA" => Some(Key::Up),
        "\u{1b}[B" | "\u{1b}OB" => Some(Key::Down),
        "\u{1b}[H" | "\u{1b}OH" | "\u{1b}[1~" | "\u{1b}[7~" => Some(Key::Home),
        "\u{1b}[F" | "\u{1b}OF" | "\u{1b}[4~" | "\u{1b}[8~" => Some(Key::End),
        "\u{1b}[5~" => Some(Key::PageUp),
        "\u{1b}[6~" => Some(Key::PageDown),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_apart_in_whatever_a_read_brings() {
        let typed = "aä\u{1b}[A\u{1b}OB\r\u{7f}\u{3}\u{1b}[6~\u{1b}[99;5Xq";
        let expected = [
            Key::Letter('a'),
            Key::Letter('ä'),
            Key::Up,
            Key::Down,
            Key::Enter,
            Key::Backspace,
            Key::Control('c'),
            Key::PageDown,
            Key::Letter('q'),
        ];
        assert_eq!(keys(typed.as_bytes()), expected);
        assert_eq!(keys(b"\x1b"), [Key::Escape]);
        assert_eq!(keys(b"\x1b[1"), []);
    }
}
