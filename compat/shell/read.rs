//! From tokens to simple commands, each with the functions and case arms it stands in.

use super::lex::{Token, TokenKind, tokens};

/// More text than this is not read as shell.
pub(super) const SHELL_BYTES_MAX: usize = 1 << 20;
const FRAMES_MAX: usize = 200;

/// A shell text and what was found in it.
#[derive(Debug)]
pub struct Shell<'a> {
    /// The text that was read, at most 1 MiB.
    pub text: &'a [u8],
    /// Simple commands in the order of the text.
    pub commands: Vec<Command>,
    /// Functions in the order of the text.
    pub functions: Vec<Function>,
    /// `case` commands in the order of the text.
    pub cases: Vec<Case>,
    lines: Vec<usize>,
}

/// A word by byte offsets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WordSpan {
    /// Offset of its first byte.
    pub start: usize,
    /// Offset after its last byte.
    pub end: usize,
}

/// Where a command stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Index of the innermost function.
    pub function: Option<usize>,
    /// Index of the innermost case and of the arm in it.
    pub arm: Option<(usize, usize)>,
    /// Whether it runs only sometimes: inside `if`, a loop, an arm, or after `&&` or `||`.
    pub conditional: bool,
}

/// A simple command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// `NAME=value` words before the command's name, or alone.
    pub assignments: Vec<WordSpan>,
    /// The command's name and arguments, without redirections.
    pub words: Vec<WordSpan>,
    /// Where it stands.
    pub place: Place,
    /// Whether it ends in `&`.
    pub background: bool,
}

/// A function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// Offset of its name.
    pub start: usize,
    /// Offset after its body.
    pub end: usize,
}

/// A `case` command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// The word that is compared.
    pub subject: WordSpan,
    /// Where the command stands.
    pub place: Place,
    /// Its arms in order.
    pub arms: Vec<Arm>,
}

/// One arm of a `case`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arm {
    /// Its patterns.
    pub patterns: Vec<WordSpan>,
}

impl<'a> Shell<'a> {
    /// Reads a text; never executes, never fails: what is no shell gives few facts.
    pub fn read(text: &'a [u8]) -> Self {
        let text = &text[..text.len().min(SHELL_BYTES_MAX)];
        let lines = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at).collect();
        let mut reader = Reader::new(text);
        for token in tokens(text) {
            reader.take(token);
        }
        reader.end_command();
        reader.end_functions();
        Self { text, commands: reader.commands, functions: reader.functions, cases: reader.cases, lines }
    }

    /// The line of an offset, counted from 1.
    pub fn line(&self, offset: usize) -> u32 {
        u32::try_from(self.lines.partition_point(|end| *end < offset)).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// The bytes of a word.
    pub fn bytes(&self, word: WordSpan) -> &'a [u8] {
        &self.text[word.start..word.end]
    }
}

/// What commands can be inside of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Frame {
    Conditional,
    Case { case: usize, patterns: bool },
    Brace { function: Option<usize> },
    Paren { function: Option<usize> },
}

/// What the next word means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expect {
    Command,
    Redirection,
    FunctionName,
    Subject,
    In(WordSpan),
}

struct Reader<'a> {
    text: &'a [u8],
    commands: Vec<Command>,
    functions: Vec<Function>,
    cases: Vec<Case>,
    /// Each frame with the place of what stands in it.
    frames: Vec<(Frame, Place)>,
    current: Command,
    expect: Expect,
    /// A function whose body has not begun.
    announced: Option<usize>,
    /// The last operator was `&&` or `||`.
    chained: bool,
    /// The `(` of `name(` was seen.
    opened: bool,
}

impl<'a> Reader<'a> {
    fn new(text: &'a [u8]) -> Self {
        Self {
            text,
            commands: Vec::new(),
            functions: Vec::new(),
            cases: Vec::new(),
            frames: Vec::new(),
            current: Command { assignments: vec![], words: vec![], place: Place::default(), background: false },
            expect: Expect::Command,
            announced: None,
            chained: false,
            opened: false,
        }
    }

    fn take(&mut self, token: Token) {
        match token.kind {
            TokenKind::Blank | TokenKind::Comment | TokenKind::HereDoc => {}
            TokenKind::Newline => {
                self.end_command();
                self.chained = false;
            }
            TokenKind::Operator => self.operator(token),
            TokenKind::Word => self.word(token),
        }
    }

    fn place(&self) -> Place {
        self.frames.last().map(|(_, place)| *place).unwrap_or_default()
    }

    fn in_patterns(&self) -> Option<usize> {
        match self.frames.last() {
            Some((Frame::Case { case, patterns: true }, _)) => Some(*case),
            _ => None,
        }
    }

    fn end_command(&mut self) {
        self.opened = false;
        if self.expect == Expect::Redirection || self.expect == Expect::FunctionName {
            self.expect = Expect::Command;
        }
        if self.current.words.is_empty() && self.current.assignments.is_empty() {
            return;
        }
        let mut place = self.place();
        place.conditional |= self.chained;
        let empty = Command { assignments: vec![], words: vec![], place: Place::default(), background: false };
        let command = std::mem::replace(&mut self.current, empty);
        self.commands.push(Command { place, ..command });
    }

    fn operator(&mut self, token: Token) {
        let operator = &self.text[token.start..token.end];
        if let Some(case) = self.in_patterns() {
            if operator == b")" {
                if let Some((frame, place)) = self.frames.last_mut() {
                    *frame = Frame::Case { case, patterns: false };
                    place.arm = Some((case, self.cases[case].arms.len().saturating_sub(1)));
                }
                self.chained = false;
            }
            return;
        }
        match operator {
            b";" | b"|" | b"|&" | b"&" => {
                self.current.background = operator == b"&";
                self.end_command();
                self.current.background = false;
                self.chained = false;
            }
            b"&&" | b"||" => {
                self.end_command();
                self.chained = true;
            }
            b";;" | b";&" | b";;&" => self.next_arm(),
            b"(" => self.open_paren(),
            b")" => self.close_paren(token),
            _ => self.expect = Expect::Redirection,
        }
    }

    fn next_arm(&mut self) {
        self.end_command();
        self.chained = false;
        let Some(at) = self.frames.iter().rposition(|(frame, _)| matches!(frame, Frame::Case { .. })) else { return };
        self.frames.truncate(at + 1);
        if let Some((Frame::Case { case, patterns }, _)) = self.frames.last_mut() {
            *patterns = true;
            self.cases[*case].arms.push(Arm::default());
        }
    }

    fn open_paren(&mut self) {
        if self.current.words.len() == 1 && self.current.assignments.is_empty() {
            self.opened = true;
            return;
        }
        self.end_command();
        let function = self.announced.take();
        self.enter(Frame::Paren { function });
    }

    fn close_paren(&mut self, token: Token) {
        if self.opened {
            self.opened = false;
            if let Some(name) = self.current.words.pop() {
                self.announce(name);
            }
            return;
        }
        self.end_command();
        self.chained = false;
        if let Some(at) = self.frames.iter().rposition(|(frame, _)| matches!(frame, Frame::Paren { .. })) {
            self.leave(at, token.end);
        }
    }

    fn announce(&mut self, name: WordSpan) {
        let text = String::from_utf8_lossy(&self.text[name.start..name.end]).into_owned();
        self.functions.push(Function { name: text, start: name.start, end: name.end });
        self.announced = Some(self.functions.len() - 1);
    }

    fn enter(&mut self, frame: Frame) {
        let mut place = self.place();
        place.conditional |= self.chained;
        self.chained = false;
        match frame {
            Frame::Conditional | Frame::Case { .. } => place.conditional = true,
            Frame::Brace { function: Some(function) } | Frame::Paren { function: Some(function) } => {
                place = Place { function: Some(function), arm: None, conditional: false };
            }
            Frame::Brace { .. } | Frame::Paren { .. } => {}
        }
        // What is nested deeper than any script reads as if it stood on this level.
        if self.frames.len() < FRAMES_MAX {
            self.frames.push((frame, place));
        }
    }

    /// Closes the frame at this depth and what was left open in it.
    fn leave(&mut self, at: usize, end: usize) {
        for (frame, _) in self.frames.drain(at..) {
            if let Frame::Brace { function: Some(function) } | Frame::Paren { function: Some(function) } = frame {
                self.functions[function].end = end;
            }
        }
    }

    fn end_functions(&mut self) {
        self.leave(0, self.text.len());
    }

    fn word(&mut self, token: Token) {
        let word = WordSpan { start: token.start, end: token.end };
        let text = &self.text[token.start..token.end];
        if let Some(case) = self.in_patterns() {
            let arm = self.cases[case].arms.last_mut().expect("a case in its patterns has an arm");
            if text == b"esac" && arm.patterns.is_empty() {
                self.cases[case].arms.pop();
                self.leave(self.frames.len() - 1, token.end);
            } else {
                arm.patterns.push(word);
            }
            return;
        }
        match self.expect {
            Expect::Redirection => self.expect = Expect::Command,
            Expect::FunctionName => {
                self.expect = Expect::Command;
                self.announce(word);
            }
            Expect::Subject => self.expect = Expect::In(word),
            Expect::In(subject) => {
                self.expect = Expect::Command;
                let mut place = self.place();
                place.conditional |= self.chained;
                self.cases.push(Case { subject, place, arms: vec![Arm::default()] });
                self.enter(Frame::Case { case: self.cases.len() - 1, patterns: true });
            }
            Expect::Command if self.current.words.is_empty() => self.first_word(word, text),
            Expect::Command => self.current.words.push(word),
        }
    }

    fn first_word(&mut self, word: WordSpan, text: &[u8]) {
        if self.current.assignments.is_empty() && self.reserved(word, text) {
            return;
        }
        if assigned_name(text).is_some() {
            self.current.assignments.push(word);
        } else {
            self.current.words.push(word);
        }
    }

    fn reserved(&mut self, word: WordSpan, text: &[u8]) -> bool {
        match text {
            b"if" | b"while" | b"until" => self.enter(Frame::Conditional),
            b"for" | b"select" => {
                self.enter(Frame::Conditional);
                self.current.words.push(word);
            }
            b"case" => self.expect = Expect::Subject,
            b"function" => self.expect = Expect::FunctionName,
            b"then" | b"else" | b"elif" | b"do" | b"!" | b"time" => {}
            b"fi" | b"done" => self.close(word.end, |frame| frame == Frame::Conditional),
            b"esac" => self.close(word.end, |frame| matches!(frame, Frame::Case { .. })),
            b"{" => {
                let function = self.announced.take();
                self.enter(Frame::Brace { function });
            }
            b"}" => self.close(word.end, |frame| matches!(frame, Frame::Brace { .. })),
            _ => return false,
        }
        true
    }

    /// Closes the innermost frame of a kind; a closing word that closes nothing is ignored.
    fn close(&mut self, end: usize, wanted: impl Fn(Frame) -> bool) {
        if let Some(at) = self.frames.iter().rposition(|(frame, _)| wanted(*frame)) {
            self.leave(at, end);
        }
        self.chained = false;
    }
}

/// The variable's name, if this word assigns one: `NAME=...` or `NAME+=...`.
pub(super) fn assigned_name(text: &[u8]) -> Option<&[u8]> {
    let name = &text[..text.iter().position(|byte| *byte == b'=')?];
    let name = name.strip_suffix(b"+").unwrap_or(name);
    let starts = name.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_');
    (starts && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')).then_some(name)
}
