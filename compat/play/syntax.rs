//! The grammar of a shell: from tokens to a tree that can be played.

use std::collections::VecDeque;
use std::rc::Rc;

use crate::shell::{TokenKind, tokens};
use crate::text::decode;

/// What is nested deeper than this is read as empty.
const DEPTH_MAX: usize = 60;

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Spot {
    /// The file's path.
    pub file: Rc<str>,
    /// The line, counted from 1.
    pub line: u32,
}

impl std::fmt::Display for Spot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            0 => f.write_str(&self.file),
            line => write!(f, "{}:{line}", self.file),
        }
    }
}

/// A word as it stands, and where.
#[derive(Clone, Debug)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) spot: Spot,
}

/// `>FILE` and its like.
#[derive(Clone, Debug)]
pub(super) struct Redirect {
    pub(super) descriptor: Option<u32>,
    pub(super) operator: String,
    /// The target; for a here-document its text.
    pub(super) target: Word,
}

/// A simple command.
#[derive(Clone, Debug, Default)]
pub(super) struct Simple {
    pub(super) assignments: Vec<Word>,
    pub(super) words: Vec<Word>,
    pub(super) redirects: Vec<Redirect>,
}

/// A command of any form.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Simple(Simple),
    Pipe(Vec<Node>),
    Not(Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    List(Vec<Node>),
    Background(Box<Node>),
    If { arms: Vec<(Node, Node)>, other: Option<Box<Node>> },
    Loop { until: bool, condition: Box<Node>, body: Box<Node> },
    For { name: String, words: Option<Vec<Word>>, body: Box<Node> },
    Case { subject: Word, arms: Vec<(Vec<Word>, Node)> },
    Function { name: String, body: Rc<Node> },
    Subshell(Box<Node>),
    Redirected(Box<Node>, Vec<Redirect>),
}

/// Reads a text; what is no shell gives few commands. Never fails.
pub(super) fn read(file: &Rc<str>, first_line: u32, text: &[u8]) -> Node {
    let mut reader = Reader { tokens: pieces(file, first_line, text), depth: 0 };
    let mut all = Vec::new();
    while !reader.tokens.is_empty() {
        let before = reader.tokens.len();
        match reader.list(&[]) {
            Node::List(nodes) => all.extend(nodes),
            other => all.push(other),
        }
        if reader.tokens.len() == before {
            // A closing word that closes nothing.
            reader.tokens.pop_front();
        }
    }
    Node::List(all)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    Word,
    Operator,
    Newline,
}

struct Token {
    piece: Piece,
    word: Word,
    /// For the word after `<<`: the text of the here-document.
    here: Option<String>,
    /// It follows the token before it without a blank.
    joined: bool,
}

fn pieces(file: &Rc<str>, first_line: u32, text: &[u8]) -> VecDeque<Token> {
    let mut out: VecDeque<Token> = VecDeque::new();
    let (mut line, mut joined, mut waiting) = (first_line, false, VecDeque::new());
    for token in tokens(text) {
        let bytes = &text[token.start..token.end];
        let piece = match token.kind {
            TokenKind::Word => Some(Piece::Word),
            TokenKind::Operator => Some(Piece::Operator),
            TokenKind::Newline => Some(Piece::Newline),
            TokenKind::Blank | TokenKind::Comment => None,
            TokenKind::HereDoc => {
                if let Some(at) = waiting.pop_front() {
                    let body = decode(bytes);
                    let end = body.trim_end_matches('\n').rfind('\n').map_or(0, |at| at + 1);
                    let token: &mut Token = &mut out[at];
                    token.here = Some(body[..end].to_string());
                }
                None
            }
        };
        if let Some(piece) = piece {
            let heredoc = out
                .back()
                .is_some_and(|last| last.piece == Piece::Operator && matches!(last.word.text.as_str(), "<<" | "<<-"));
            if heredoc && piece == Piece::Word {
                waiting.push_back(out.len());
            }
            let word = Word { text: decode(bytes), spot: Spot { file: file.clone(), line } };
            out.push_back(Token { piece, word, here: None, joined });
        }
        joined = piece.is_some();
        line += u32::try_from(bytes.iter().filter(|byte| **byte == b'\n').count()).unwrap_or(0);
    }
    out
}

struct Reader {
    tokens: VecDeque<Token>,
    depth: usize,
}

impl Reader {
    fn peek(&self) -> Option<(Piece, &str)> {
        self.tokens.front().map(|token| (token.piece, token.word.text.as_str()))
    }

    fn is_word(&self, text: &str) -> bool {
        self.peek() == Some((Piece::Word, text))
    }

    fn is_operator(&self, text: &str) -> bool {
        self.peek() == Some((Piece::Operator, text))
    }

    fn skip(&mut self, what: impl Fn(Piece, &str) -> bool) {
        while self.peek().is_some_and(|(piece, text)| what(piece, text)) {
            self.tokens.pop_front();
        }
    }

    fn skip_newlines(&mut self) {
        self.skip(|piece, _| piece == Piece::Newline);
    }

    /// Takes a reserved word, if it is next.
    fn takes(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        if found {
            self.tokens.pop_front();
        }
        found
    }

    /// Commands up to one of these words, a closing parenthesis or the end of an arm; these stay.
    fn list(&mut self, stop: &[&str]) -> Node {
        let mut out = Vec::new();
        loop {
            self.skip(|piece, text| piece == Piece::Newline || (piece == Piece::Operator && text == ";"));
            let ends = match self.peek() {
                None => true,
                Some((Piece::Word, text)) => stop.contains(&text),
                Some((_, text)) => matches!(text, ")" | ";;" | ";&" | ";;&"),
            };
            if ends {
                return Node::List(out);
            }
            let before = self.tokens.len();
            let mut node = self.and_or();
            if self.is_operator("&") {
                self.tokens.pop_front();
                node = Node::Background(Box::new(node));
            }
            out.push(node);
            if self.tokens.len() == before {
                self.tokens.pop_front();
            }
        }
    }

    fn and_or(&mut self) -> Node {
        let mut left = self.pipeline();
        loop {
            let and = self.is_operator("&&");
            if !and && !self.is_operator("||") {
                return left;
            }
            self.tokens.pop_front();
            self.skip_newlines();
            let right = Box::new(self.pipeline());
            left = if and { Node::And(Box::new(left), right) } else { Node::Or(Box::new(left), right) };
        }
    }

    fn pipeline(&mut self) -> Node {
        let mut negate = false;
        while self.takes("!") {
            negate = !negate;
        }
        let mut all = vec![self.command()];
        while self.is_operator("|") || self.is_operator("|&") {
            self.tokens.pop_front();
            self.skip_newlines();
            all.push(self.command());
        }
        let node = if all.len() == 1 { all.remove(0) } else { Node::Pipe(all) };
        if negate { Node::Not(Box::new(node)) } else { node }
    }

    fn command(&mut self) -> Node {
        self.depth += 1;
        let node = if self.depth > DEPTH_MAX { self.simple() } else { self.any_command() };
        self.depth -= 1;
        node
    }

    fn any_command(&mut self) -> Node {
        let node = match self.peek() {
            Some((Piece::Operator, "(")) => {
                self.tokens.pop_front();
                let inside = self.list(&[]);
                if self.is_operator(")") {
                    self.tokens.pop_front();
                }
                Node::Subshell(Box::new(inside))
            }
            Some((Piece::Word, word)) => match word {
                "{" => {
                    self.tokens.pop_front();
                    let inside = self.list(&["}"]);
                    self.takes("}");
                    inside
                }
                "if" => self.condition(),
                "while" | "until" => self.while_loop(),
                "for" | "select" => self.for_loop(),
                "case" => self.case(),
                "function" => {
                    self.tokens.pop_front();
                    return self.function();
                }
                _ if self.announces_function() => return self.function(),
                _ => return self.simple(),
            },
            _ => return self.simple(),
        };
        let redirects = self.redirects();
        if redirects.is_empty() { node } else { Node::Redirected(Box::new(node), redirects) }
    }

    fn announces_function(&self) -> bool {
        let operator = |at: usize, text: &str| {
            self.tokens.get(at).is_some_and(|token| token.piece == Piece::Operator && token.word.text == text)
        };
        operator(1, "(") && operator(2, ")")
    }

    fn function(&mut self) -> Node {
        let name = self.tokens.pop_front().map(|token| token.word.text).unwrap_or_default();
        self.skip(|piece, text| piece == Piece::Operator && matches!(text, "(" | ")"));
        self.skip_newlines();
        let body = Rc::new(self.command());
        Node::Function { name, body }
    }

    fn condition(&mut self) -> Node {
        self.tokens.pop_front();
        let mut arms = Vec::new();
        let mut other = None;
        loop {
            let condition = self.list(&["then", "fi"]);
            self.takes("then");
            let body = self.list(&["elif", "else", "fi"]);
            arms.push((condition, body));
            if self.takes("elif") {
                continue;
            }
            if self.takes("else") {
                other = Some(Box::new(self.list(&["fi"])));
            }
            self.takes("fi");
            return Node::If { arms, other };
        }
    }

    fn while_loop(&mut self) -> Node {
        let until = self.is_word("until");
        self.tokens.pop_front();
        let condition = Box::new(self.list(&["do", "done"]));
        self.takes("do");
        let body = Box::new(self.list(&["done"]));
        self.takes("done");
        Node::Loop { until, condition, body }
    }

    fn for_loop(&mut self) -> Node {
        self.tokens.pop_front();
        let name = self.tokens.pop_front().map(|token| token.word.text).unwrap_or_default();
        self.skip_newlines();
        let words = self.takes("in").then(|| {
            let mut words = Vec::new();
            while matches!(self.peek(), Some((Piece::Word, _))) {
                words.extend(self.tokens.pop_front().map(|token| token.word));
            }
            words
        });
        self.skip(|piece, text| piece == Piece::Newline || text == ";");
        self.takes("do");
        let body = Box::new(self.list(&["done"]));
        self.takes("done");
        Node::For { name, words, body }
    }

    fn case(&mut self) -> Node {
        self.tokens.pop_front();
        let Some(subject) = self.tokens.pop_front().map(|token| token.word) else { return Node::List(Vec::new()) };
        self.skip_newlines();
        self.takes("in");
        let mut arms = Vec::new();
        loop {
            self.skip(|piece, text| piece == Piece::Newline || matches!(text, ";;" | ";&" | ";;&" | "("));
            if self.takes("esac") || self.tokens.is_empty() {
                return Node::Case { subject, arms };
            }
            let mut patterns = Vec::new();
            while let Some(token) = self.tokens.pop_front() {
                match token.piece {
                    Piece::Word => patterns.push(token.word),
                    Piece::Operator if token.word.text == ")" => break,
                    Piece::Operator | Piece::Newline => {}
                }
            }
            let body = self.list(&["esac"]);
            if self.is_operator(")") {
                self.tokens.pop_front();
            }
            arms.push((patterns, body));
        }
    }

    fn redirects(&mut self) -> Vec<Redirect> {
        let mut out = Vec::new();
        while let Some(redirect) = self.redirect() {
            out.push(redirect);
        }
        out
    }

    fn redirect(&mut self) -> Option<Redirect> {
        let is_redirect = |token: &Token| {
            token.piece == Piece::Operator && token.word.text.contains(['<', '>']) && token.word.text != "("
        };
        let first = self.tokens.front()?;
        let mut descriptor = None;
        if first.piece == Piece::Word {
            let number = first.word.text.parse().ok()?;
            self.tokens.get(1).filter(|next| next.joined && is_redirect(next))?;
            descriptor = Some(number);
            self.tokens.pop_front();
        } else if !is_redirect(first) {
            return None;
        }
        let operator = self.tokens.pop_front()?.word;
        let mut target = Word { text: String::new(), spot: operator.spot };
        if matches!(self.peek(), Some((Piece::Word, _)))
            && let Some(token) = self.tokens.pop_front()
        {
            target = match token.here {
                Some(here) => Word { text: here, spot: token.word.spot },
                None => token.word,
            };
        }
        Some(Redirect { descriptor, operator: operator.text, target })
    }

    fn simple(&mut self) -> Node {
        let mut out = Simple::default();
        loop {
            if let Some(redirect) = self.redirect() {
                out.redirects.push(redirect);
                continue;
            }
            match self.peek() {
                Some((Piece::Word, text)) => {
                    let assigns = out.words.is_empty() && assigned(text).is_some();
                    let Some(token) = self.tokens.pop_front() else { break };
                    if assigns { out.assignments.push(token.word) } else { out.words.push(token.word) }
                }
                Some((Piece::Operator, "(")) if !out.assignments.is_empty() && out.words.is_empty() => {
                    self.array(&mut out);
                }
                _ => break,
            }
        }
        Node::Simple(out)
    }

    /// `NAME=(one two)` of bash: the words are the value.
    fn array(&mut self, out: &mut Simple) {
        self.tokens.pop_front();
        let mut words = Vec::new();
        while let Some(token) = self.tokens.pop_front() {
            match token.piece {
                Piece::Word => words.push(token.word.text.trim_matches(['"', '\'']).to_string()),
                Piece::Operator if token.word.text == ")" => break,
                Piece::Operator | Piece::Newline => {}
            }
        }
        if let Some(last) = out.assignments.last_mut() {
            last.text = format!("{}\"{}\"", last.text, words.join(" "));
        }
    }
}

/// Name, whether it is appended, and value as written, if this word assigns a variable.
pub(super) fn assigned(text: &str) -> Option<(&str, bool, &str)> {
    let (name, value) = text.split_once('=')?;
    let (name, append) = match name.strip_suffix('+') {
        Some(name) => (name, true),
        None => (name, false),
    };
    let starts = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    let plain = starts && name.chars().all(|found| found.is_ascii_alphanumeric() || found == '_');
    plain.then_some((name, append, value))
}
