//! Cuts shell text into tokens whose spans tile it from the first byte to the last.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// Blanks, tabs, carriage returns and continued line ends.
    Blank,
    /// From `#` at the start of a word to the end of the line.
    Comment,
    /// One line end.
    Newline,
    /// A word with its quotes and expansions as they stand.
    Word,
    /// `;`, `&&`, `|`, `>>` and their like.
    Operator,
    /// The text of a here-document with its closing line.
    HereDoc,
}

/// A piece of the text, by byte offsets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Offset of its first byte.
    pub start: usize,
    /// Offset after its last byte.
    pub end: usize,
}

/// Longest operators first.
const OPERATORS: [&[u8]; 21] = [
    b";;&", b"<<-", b"<<<", b"&>>", b";;", b";&", b"&&", b"||", b"|&", b"<<", b"<&", b"<>", b">>", b">&", b">|", b"&>",
    b";", b"&", b"|", b"<", b">",
];

/// Cuts a text into tokens. Every byte is in exactly one of them.
///
/// What is never closed (a quote, a here-document) reaches to the end of the text, as in a shell.
pub fn tokens(text: &[u8]) -> Vec<Token> {
    let mut out: Vec<Token> = Vec::new();
    let mut here: Vec<Here> = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let before = out.last().map(|token| token.kind);
        let (kind, end) = next(text, at, before);
        if kind == TokenKind::Word
            && let Some(indent) = opens_here(text, &out)
        {
            here.push(Here { mark: unquoted(&text[at..end]), indent });
        }
        out.push(Token { kind, start: at, end });
        at = end;
        if kind == TokenKind::Newline {
            for wanted in here.drain(..) {
                let end = wanted.end(text, at);
                if end > at {
                    out.push(Token { kind: TokenKind::HereDoc, start: at, end });
                }
                at = end;
            }
        }
    }
    out
}

/// A here-document that is announced and not yet read.
struct Here {
    mark: Vec<u8>,
    indent: Indent,
}

/// Whether tabs before the lines of a here-document count.
#[derive(Clone, Copy)]
enum Indent {
    Counts,
    Ignored,
}

impl Here {
    fn end(&self, text: &[u8], mut at: usize) -> usize {
        while at < text.len() {
            let stop = line_end(text, at);
            let mut line = &text[at..stop];
            if let Indent::Ignored = self.indent {
                line = &line[line.iter().take_while(|byte| **byte == b'\t').count()..];
            }
            at = (stop + 1).min(text.len());
            if line == self.mark || line.strip_suffix(b"\r") == Some(&self.mark) {
                break;
            }
        }
        at
    }
}

fn opens_here(text: &[u8], out: &[Token]) -> Option<Indent> {
    let mut back = out.iter().rev().filter(|token| token.kind != TokenKind::Blank);
    let last = back.next().filter(|token| token.kind == TokenKind::Operator)?;
    match &text[last.start..last.end] {
        b"<<" => Some(Indent::Counts),
        b"<<-" => Some(Indent::Ignored),
        _ => None,
    }
}

fn unquoted(word: &[u8]) -> Vec<u8> {
    word.iter().copied().filter(|byte| !b"'\"\\\r".contains(byte)).collect()
}

fn line_end(text: &[u8], at: usize) -> usize {
    text[at..].iter().position(|byte| *byte == b'\n').map_or(text.len(), |length| at + length)
}

fn next(text: &[u8], at: usize, before: Option<TokenKind>) -> (TokenKind, usize) {
    let rest = &text[at..];
    let blank = blanks(rest);
    if blank > 0 {
        return (TokenKind::Blank, at + blank);
    }
    match rest[0] {
        b'\n' => (TokenKind::Newline, at + 1),
        b'#' if before != Some(TokenKind::Word) => (TokenKind::Comment, line_end(text, at)),
        b'(' | b')' => (TokenKind::Operator, at + 1),
        _ => match OPERATORS.iter().find(|operator| rest.starts_with(operator)) {
            Some(operator) => (TokenKind::Operator, at + operator.len()),
            None => (TokenKind::Word, word_end(text, at)),
        },
    }
}

fn blanks(rest: &[u8]) -> usize {
    let mut at = 0;
    loop {
        match &rest[at..] {
            [b' ' | b'\t' | b'\r' | 0x0b | 0x0c, ..] => at += 1,
            [b'\\', b'\n', ..] => at += 2,
            [b'\\', b'\r', b'\n', ..] => at += 3,
            _ => return at,
        }
    }
}

/// What a word can be inside of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Double,
    Brace,
    Paren,
    Back,
}

/// The offset after the word that starts at `at`; at least one byte on.
fn word_end(text: &[u8], mut at: usize) -> usize {
    let mut stack = Stack::default();
    let start = at;
    while at < text.len() {
        let top = stack.top();
        match text[at] {
            b'\\' => at += 1,
            b' ' | b'\t' | b'\r' | b'\n' | 0x0b | 0x0c | b';' | b'&' | b'|' | b'<' | b'>' if top.is_none() => break,
            b'(' | b')' if top.is_none() && at > start => break,
            b'\'' if !stack.quoted() => {
                at += 1;
                at += text[at..].iter().position(|byte| *byte == b'\'').unwrap_or(text.len() - at);
            }
            b'"' if top == Some(Inside::Double) => stack.pop(),
            b'"' => stack.push(Inside::Double),
            b'`' if top == Some(Inside::Back) => stack.pop(),
            b'`' => stack.push(Inside::Back),
            b'$' if text.get(at + 1) == Some(&b'{') => {
                stack.push(Inside::Brace);
                at += 1;
            }
            b'$' if text.get(at + 1) == Some(&b'(') => {
                stack.push(Inside::Paren);
                at += 1;
            }
            b'$' if text.get(at + 1) == Some(&b'#') => at += 1,
            b'(' if top == Some(Inside::Paren) => stack.push(Inside::Paren),
            b')' if top == Some(Inside::Paren) => stack.pop(),
            b'}' if top == Some(Inside::Brace) => stack.pop(),
            b'#' if top == Some(Inside::Paren) && text[at - 1].is_ascii_whitespace() => {
                at = line_end(text, at);
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    at.clamp(start + 1, text.len())
}

/// The open constructs, each with whether single quotes are plain characters in it: that is so inside double quotes
/// with no command substitution between.
#[derive(Default)]
struct Stack(Vec<(Inside, bool)>);

impl Stack {
    fn top(&self) -> Option<Inside> {
        self.0.last().map(|(inside, _)| *inside)
    }

    fn quoted(&self) -> bool {
        self.0.last().is_some_and(|(_, quoted)| *quoted)
    }

    fn push(&mut self, inside: Inside) {
        let quoted = match inside {
            Inside::Double => true,
            Inside::Brace => self.quoted(),
            Inside::Paren | Inside::Back => false,
        };
        self.0.push((inside, quoted));
    }

    fn pop(&mut self) {
        self.0.pop();
    }
}
