//! Bytes to text and lines, whatever the bytes are; names of paths.

/// The text of these bytes: UTF-8, or else Latin-1, in which every byte is a character.
pub fn decode(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_string(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// The lines with their numbers from 1, without line ends; a carriage return stays.
pub fn lines(text: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    text.split(|byte| *byte == b'\n').zip(1..).map(|(line, number)| (number, line))
}

/// What follows the last slash of a path: the whole path where there is none.
pub fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
