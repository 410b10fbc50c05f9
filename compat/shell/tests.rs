//! What shell text looks like to the reader, and that any bytes are survived.

use proptest::prelude::*;

use super::{Part, Shell, TokenKind, Values, parts, tokens};

fn kinds(text: &str) -> Vec<(TokenKind, &str)> {
    let plain = |kind: &TokenKind| *kind != TokenKind::Blank;
    tokens(text.as_bytes())
        .iter()
        .map(|token| (token.kind, &text[token.start..token.end]))
        .filter(|(kind, _)| plain(kind))
        .collect()
}

#[test]
fn words_keep_their_quotes_and_expansions() {
    use TokenKind::{Comment, Newline, Operator, Word};
    assert_eq!(
        kinds("a=\"x $(b 'c d') y\" e\\ f # don't\n${g:-h i}>&2;`j k`"),
        [
            (Word, "a=\"x $(b 'c d') y\""),
            (Word, "e\\ f"),
            (Comment, "# don't"),
            (Newline, "\n"),
            (Word, "${g:-h i}"),
            (Operator, ">&"),
            (Word, "2"),
            (Operator, ";"),
            (Word, "`j k`"),
        ]
    );
}

#[test]
fn a_here_document_is_no_code() {
    let text = "cat <<-EOF >x; echo a\n\tcase $1 in\n\tEOF\nb=1\n";
    assert!(kinds(text).contains(&(TokenKind::HereDoc, "\tcase $1 in\n\tEOF\n")));
    let shell = Shell::read(text.as_bytes());
    assert_eq!((shell.cases.len(), shell.commands.len()), (0, 3));
}

#[test]
fn commands_know_where_they_stand() {
    let text = "f() {\n  a && b\n}\ncase $1 in\n (x|\"y\") f ;;\n *) if c; then d; fi\nesac\ng() ( h )\n";
    let shell = Shell::read(text.as_bytes());
    let seen = shell.commands.iter().map(|command| {
        let word = std::str::from_utf8(shell.bytes(command.words[0])).unwrap();
        (word, command.place.function, command.place.arm, command.place.conditional)
    });
    assert_eq!(
        seen.collect::<Vec<_>>(),
        [
            ("a", Some(0), None, false),
            ("b", Some(0), None, true),
            ("f", None, Some((0, 0)), true),
            ("c", None, Some((0, 1)), true),
            ("d", None, Some((0, 1)), true),
            ("h", Some(1), None, false),
        ]
    );
    let patterns: Vec<&[u8]> = shell.cases[0].arms[0].patterns.iter().map(|word| shell.bytes(*word)).collect();
    assert_eq!(patterns, [b"x".as_slice(), b"\"y\""]);
    assert_eq!(shell.functions.iter().map(|function| function.name.as_str()).collect::<Vec<_>>(), ["f", "g"]);
}

#[test]
fn simple_assignments_are_followed() {
    let text = "NAME=`basename $0 .sh`\nDIR=/run\n: ${SUB:=\"sub\"}\nPID=\"${DIR}/$SUB/${NAME%%d}.pid\"\n\
                if x; then PID=/other; fi\nexport E=${UNSET:-/d}$(uname)\nF+=x\nlocal G='a b'\n";
    let shell = Shell::read(text.as_bytes());
    let values = Values::of(&shell, "webd.sh");
    assert_eq!(values.first("NAME"), Some("webd"));
    assert_eq!(values.all("PID"), ["/run/sub/web.pid", "/other"]);
    assert_eq!(values.all("E"), [""; 0]);
    assert_eq!(values.first("G"), Some("a b"));
}

#[test]
fn a_word_is_taken_apart() {
    assert_eq!(
        parts(b"a\"b\\c\\\"$d\"'$e'$((1+1))${f#*/}"),
        [
            Part::Text("ab\\c\"".into()),
            Part::Variable { name: "d".into(), rest: String::new() },
            Part::Text("$e".into()),
            Part::Arithmetic,
            Part::Variable { name: "f".into(), rest: "#*/".into() },
        ]
    );
}

#[test]
fn a_substitution_ends_where_a_shell_ends_it() {
    let command = |text: &str| Part::Command(text.into());
    assert_eq!(parts(b"$(echo \"it's\")x"), [command("echo \"it's\""), Part::Text("x".into())]);
    assert_eq!(parts(b"`sed 's/\\./\\$x/'`"), [command("sed 's/\\./$x/'")]);
}

/// Text that is made of what matters to the reader.
fn shellish() -> impl Strategy<Value = Vec<u8>> {
    let pieces = [
        "case",
        "esac",
        "in",
        "if",
        "fi",
        "then",
        "do",
        "done",
        "{",
        "}",
        "(",
        ")",
        "((",
        ";;",
        ";",
        "&&",
        "||",
        "|",
        "&",
        "<<E",
        "<<-",
        "E",
        "\n",
        " ",
        "\t",
        "\"",
        "'",
        "`",
        "$",
        "${",
        "$(",
        "\\",
        "#",
        "=",
        "+=",
        ":",
        "x",
        "start",
        "$1",
        "*",
        "\r\n",
        "\0",
        "\u{e9}",
        "f()",
        "function",
        "export",
        "${x:=",
        "/run/x.pid",
        "start-stop-daemon",
        "--start",
        "--pidfile",
    ];
    let piece = prop_oneof![
        9 => proptest::sample::select(pieces.to_vec()).prop_map(|piece| piece.as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..4),
    ];
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn spans_tile_the_text(text in shellish()) {
        let mut at = 0;
        for token in tokens(&text) {
            prop_assert_eq!(token.start, at);
            prop_assert!(token.end > token.start);
            at = token.end;
        }
        prop_assert_eq!(at, text.len());
    }

    #[test]
    fn every_fact_lies_inside_the_text(text in shellish()) {
        let shell = Shell::read(&text);
        for command in &shell.commands {
            for word in command.words.iter().chain(&command.assignments) {
                prop_assert!(word.start < word.end && word.end <= text.len());
            }
            if let Some(function) = command.place.function {
                prop_assert!(function < shell.functions.len());
            }
        }
        for function in &shell.functions {
            prop_assert!(function.start < function.end && function.end <= text.len());
        }
        for assignment in shell.assignments() {
            prop_assert!(assignment.value.start <= assignment.value.end && assignment.value.end <= text.len());
        }
    }

    #[test]
    fn any_script_is_read(text in shellish()) {
        crate::script::read("x", &text);
        let mut header = b"#!/bin/sh\n### BEGIN INIT INFO\n# Provides: ".to_vec();
        header.extend_from_slice(&text);
        crate::script::read("x", &header);
    }
}
