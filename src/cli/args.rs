//! What may be typed: the one model that parsing, help and the check of svc(8) share.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

use super::common::{Any, Common, Named};
use super::grammar::PASS;
use crate::wire::Then;

/// Everything on the command line.
#[derive(Debug, Parser)]
#[command(
    name = "svc",
    version,
    about = "Asks svcd, the service manager, what runs and tells it what should",
    override_usage = "svc [OPTIONS] NAME... VERB\n       \
                      svc [OPTIONS] VERB [NAME...]\n       \
                      svc [OPTIONS] NAME... -- SCRIPT-VERB [ARGUMENT...]",
    after_help = "A verb that is not in this list is passed to the service's own script: `svc nginx configtest`.\n\
                  NAME may be a pattern such as 'getty@*'. Exit codes and more: svc(8).",
    subcommand_help_heading = "Verbs",
    subcommand_value_name = "VERB",
    disable_help_subcommand = true,
    arg_required_else_help = true
)]
pub(crate) struct Line {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Should they run, and could they? Prints the reasons, changes nothing
    Check(Any),
    /// What they are doing; without a name, how all is
    Status {
        /// Names or patterns
        #[arg(value_name = "NAME")]
        names: Vec<String>,
        /// How many of the last lines they wrote to show
        #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 5)]
        lines: u32,
    },
    /// Read definitions and scripts again and put them in force; shows what changed
    Load(Any),
    /// Start them and what they require
    Start(Named),
    /// Stop them, and before them what requires them
    Stop {
        #[command(flatten)]
        which: Named,
        /// Leave what requires them alone
        #[arg(long)]
        only: bool,
        /// Kill what a script's own stop leaves behind
        #[arg(long)]
        all: bool,
    },
    /// Make them read their configuration again
    Reload(Named),
    /// Make their configuration files from templates; what runs and changed is reloaded or restarted
    Configure(super::configure::Words),
    /// Stop and start them, with what requires them
    Restart {
        #[command(flatten)]
        which: Named,
        /// Leave what requires them alone
        #[arg(long)]
        only: bool,
        /// Kill what a script's own stop leaves behind
        #[arg(long)]
        all: bool,
    },
    /// One line for each service
    List(Any),
    /// Start them at boot from now on
    Enable {
        #[command(flatten)]
        which: Named,
        /// And start them now
        #[arg(long)]
        now: bool,
    },
    /// Do not start them at boot any more
    Disable {
        #[command(flatten)]
        which: Named,
        /// And stop them now
        #[arg(long)]
        now: bool,
    },
    /// Keep them as they are, whatever is asked
    Pin(Named),
    /// The opposite of pin
    Unpin(Named),
    /// Forget failures: a service that was given up may be tried again
    Reset(Named),
    /// The last lines they wrote
    Log {
        /// Names or patterns; none: all
        #[arg(value_name = "NAME")]
        names: Vec<String>,
        /// How many lines of each
        #[arg(short = 'n', long, value_name = "COUNT", default_value_t = 20)]
        lines: u32,
        /// Go on with new lines until interrupted
        #[arg(short, long)]
        follow: bool,
        /// Of these lines only those that match this regular expression
        #[arg(short, long, value_name = "PATTERN", value_parser = super::grep::pattern)]
        grep: Option<super::grep::Pattern>,
        /// Who asked svcd for what, and what became of it
        #[arg(long, conflicts_with_all = ["names", "follow"])]
        audit: bool,
    },
    /// Every value in force, and the line of a file that says so
    Cat {
        /// Names or patterns
        #[arg(value_name = "NAME", required = true)]
        names: Vec<String>,
    },
    /// What they need and who needs them, with their states
    Tree(super::tree::Words),
    /// Change what their definitions say, in an editor: checked first, saved beside them, then loaded
    Edit {
        /// Names
        #[arg(value_name = "NAME", required = true)]
        names: Vec<String>,
    },
    /// All of them on one live screen, with what they use and keys to act
    Top(super::top::Words),
    /// Why they are as they are: the whole chain of reasons
    Why(Named),
    /// What would happen, in order and with times, if they were told to; nothing is touched
    Plan(super::plan::Words),
    /// When each was wanted, launched and ready, and which chain took longest
    Bootchart(super::bootchart::Words),
    /// Who requires, wants, follows whom, for dot(1) or as a picture
    Graph(super::graph::Words),
    /// Stop all services in order and end svcd
    Shutdown {
        /// What comes after
        #[arg(value_name = "THEN", default_value = "exit")]
        then: After,
        /// Kill what is left instead of waiting for it
        #[arg(long)]
        kill: bool,
    },
    /// What svcd says of itself
    Hello,
    /// Let a new manager take over, from the program as it is on disk now; no service notices
    Renew,
    /// Run the services of a directory in the foreground, without root; Ctrl-C stops them in order
    Up {
        /// Where their definitions are
        #[arg(value_name = "DIR", default_value = ".")]
        dir: PathBuf,
    },
    /// In which order services start: of the machine, as rcorder, or as insserv; needs no svcd
    Order(super::order::Words),
    /// What legacy scripts there are, and what becomes of them; needs no svcd and changes nothing
    Migrate(super::migrate::Words),
    /// Print what completes words of svc in a shell, with the names of services as they are now
    Completions {
        /// Which shell
        #[arg(value_name = "SHELL")]
        shell: super::complete::Shell,
    },
    /// A definition for each legacy script, and where every key comes from; needs no svcd
    Convert(super::convert::Words),
    /// A script that leads to svcd, for tools that look for one; needs no svcd
    Shim(super::shim::Words),
    /// Play a verb of a legacy script where nothing real happens, and tell what it asked for; needs no svcd
    Rehearse(super::rehearse::Words),
    /// Run a script and the definition that is to take its place in a sandbox each, and compare; needs no svcd
    Compare(super::compare::Words),
    /// Pass a verb to a script as it is.
    #[command(hide = true, name = PASS, override_usage = "svc [OPTIONS] NAME... -- SCRIPT-VERB [ARGUMENT...]")]
    Pass {
        /// The services.
        #[arg(long = "of", required = true)]
        names: Vec<String>,
        /// The verb and its arguments.
        #[arg(required = true, trailing_var_arg = true)]
        words: Vec<String>,
    },
}

impl Verb {
    /// Whether the answer is something to read, and may be longer than a screen.
    pub(crate) fn may_be_long(&self) -> bool {
        match self {
            Self::Log { follow, .. } => !follow,
            Self::Configure(asked) => asked.diff || asked.values,
            _ => matches!(
                self,
                Self::Cat { .. }
                    | Self::Check(_)
                    | Self::Graph(_)
                    | Self::List(_)
                    | Self::Load(_)
                    | Self::Migrate(_)
                    | Self::Convert(_)
                    | Self::Order(_)
                    | Self::Status { .. }
                    | Self::Tree(_)
                    | Self::Why(_)
            ),
        }
    }
}

/// What comes after a shutdown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum After {
    /// svcd ends; nothing else
    Exit,
    /// As process 1: halt the machine
    Halt,
    /// As process 1: switch it off
    Poweroff,
    /// As process 1: start it again
    Reboot,
}

impl From<After> for Then {
    fn from(after: After) -> Self {
        match after {
            After::Exit => Self::Exit,
            After::Halt => Self::Halt,
            After::Poweroff => Self::Poweroff,
            After::Reboot => Self::Reboot,
        }
    }
}
