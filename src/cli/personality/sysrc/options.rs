//! The command line of sysrc(8).

use std::process::ExitCode;

const USAGE: &str = "Usage: sysrc [OPTIONS] {name[[+|-]=value] ... | -a | -A | -l | -L [name ...]}
Try `sysrc --help' for more information.
";

const HELP: &str = "Usage: sysrc [OPTIONS] name[[+|-]=value] ...
OPTIONS:
    -a         Dump a list of all non-default configuration variables.
    -A         Dump a list of all configuration variables (incl. defaults).
    -c         Check. Return success if set or no changes, else error.
    -d         Print a description of the given variable.
    -D         Show default value(s) only (this is the same as setting RC_CONFS
               to NULL or passing `-f' with a NULL file-argument).
    -e         Print query results as `var=value' (useful for producing
               output to be fed back in). Ignored if `-n' is specified.
    -E         Only existing files with `-[lL]' or when setting a value.
    -f file    Operate on the specified file(s) instead of rc_conf_files.
               Can be specified multiple times for additional files.
    -F         Show only the last rc.conf(5) file each directive is in.
    -h         Print a short usage statement to stderr and exit.
    --help     Print this message to stderr and exit.
    -i         Ignore unknown variables.
    -j jail    The jid or name of the jail to operate within (overrides
               `-R dir'; requires jexec(8)).
    -l         List configuration files used at startup on stdout and exit.
    -L         List all configuration files including rc.conf.d entries.
    -n         Show only variable values, not their names.
    -N         Show only variable names, not their values.
    -q         Quiet. Disable verbose and hide certain errors.
    -s name    Process additional `rc.conf.d' entries for service name.
               Ignored if `-f file' is given.
    -R dir     Operate within the root directory `dir' rather than `/'.
    -v         Verbose. Print the pathname of the specific rc.conf(5)
               file where the directive was found.
    --version  Print version information to stdout and exit.
    -x         Remove variable(s) from specified file(s).

ENVIRONMENT:
    RC_CONFS      Override default rc_conf_files (even if set to NULL).
    RC_DEFAULTS   Location of `/etc/defaults/rc.conf' file.

";

/// Which variables are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum All {
    /// `-a`: what the configuration sets.
    Set,
    /// `-A`: the defaults, too.
    Defaults,
}

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `name: value`
    Pair,
    /// `-e`: `name="value"`
    Shell,
    /// `-n`
    Value,
    /// `-N`
    Name,
}

#[derive(Debug, Default)]
struct Flags {
    equals: bool,
    no_name: bool,
    no_value: bool,
}

/// What is asked.
#[derive(Debug)]
pub(super) struct Options {
    pub(super) all: Option<All>,
    pub(super) check: bool,
    pub(super) describe: bool,
    pub(super) delete: bool,
    pub(super) delete_all: bool,
    pub(super) existing: bool,
    pub(super) show_file: bool,
    pub(super) ignore_unknown: bool,
    pub(super) list: bool,
    pub(super) list_all: bool,
    pub(super) defaults_only: bool,
    pub(super) quiet: bool,
    pub(super) verbose: bool,
    pub(super) form: Form,
    /// The files of `-f`.
    pub(super) files: Option<Vec<String>>,
    pub(super) jail: Option<String>,
    pub(super) root: Option<String>,
    pub(super) service: Option<String>,
    pub(super) words: Vec<String>,
}

/// Says something on the right stream, and how the program ends.
pub(super) fn usage() -> ExitCode {
    eprint!("{USAGE}");
    ExitCode::FAILURE
}

impl Options {
    fn new() -> Self {
        Self {
            all: None,
            check: false,
            describe: false,
            delete: false,
            delete_all: false,
            existing: false,
            show_file: false,
            ignore_unknown: false,
            list: false,
            list_all: false,
            defaults_only: false,
            quiet: false,
            verbose: false,
            form: Form::Pair,
            files: None,
            jail: None,
            root: None,
            service: None,
            words: Vec::new(),
        }
    }

    /// Reads the words, or answers at once.
    pub(super) fn read(words: &[String]) -> Result<Self, ExitCode> {
        for word in words.iter().take_while(|word| *word != "--") {
            if word == "--help" {
                eprint!("{HELP}");
                return Err(ExitCode::FAILURE);
            }
            if word == "--version" {
                println!("7.4");
                return Err(ExitCode::FAILURE);
            }
        }
        let mut options = Self::new();
        let mut flags = Flags::default();
        let mut words = words.iter();
        while let Some(word) = words.clone().next().filter(|word| word.len() > 1 && word.starts_with('-')) {
            words.next();
            if word == "--" {
                break;
            }
            for (at, letter) in word.char_indices().skip(1) {
                if letter == 'h' {
                    return Err(usage());
                }
                if options.flag(letter, &mut flags) {
                    continue;
                }
                if !"fjRs".contains(letter) {
                    eprintln!("Illegal option -{letter}");
                    return Err(usage());
                }
                let joined = &word[at + 1..];
                let given = if joined.is_empty() { words.next().cloned() } else { Some(joined.to_owned()) };
                options.value(letter, given)?;
                break;
            }
        }
        options.words = words.cloned().collect();
        options.form = if options.show_file {
            if flags.no_name { Form::Value } else { Form::Pair }
        } else if flags.no_value {
            Form::Name
        } else if flags.no_name {
            Form::Value
        } else if flags.equals {
            Form::Shell
        } else {
            Form::Pair
        };
        Ok(options)
    }

    fn flag(&mut self, letter: char, flags: &mut Flags) -> bool {
        match letter {
            'a' => self.all = self.all.or(Some(All::Set)),
            'A' => self.all = Some(All::Defaults),
            'c' => self.check = true,
            'd' => self.describe = true,
            'D' => {
                self.defaults_only = true;
                self.files = Some(Vec::new());
            }
            'e' => flags.equals = true,
            'E' => self.existing = true,
            'F' => self.show_file = true,
            'i' => self.ignore_unknown = true,
            'l' => self.list = true,
            'L' => self.list_all = true,
            'n' => flags.no_name = true,
            'N' => flags.no_value = true,
            'q' => (self.quiet, self.verbose) = (true, false),
            'v' => (self.verbose, self.quiet) = (true, false),
            'x' => self.delete = true,
            'X' => (self.delete, self.delete_all) = (true, true),
            _ => return false,
        }
        true
    }

    fn value(&mut self, letter: char, given: Option<String>) -> Result<(), ExitCode> {
        let Some(given) = given else {
            eprintln!("No arg for -{letter} option");
            return Err(usage());
        };
        if letter == 'f' {
            self.defaults_only = false;
            let files = self.files.get_or_insert_with(Vec::new);
            files.extend(given.split_whitespace().map(str::to_owned));
            return Ok(());
        }
        if given.is_empty() {
            eprintln!("sysrc: Missing or null argument to `-{letter}' flag");
            return Err(ExitCode::FAILURE);
        }
        match letter {
            'j' => self.jail = Some(given),
            'R' => self.root = Some(given),
            _ => self.service = Some(given),
        }
        Ok(())
    }
}
