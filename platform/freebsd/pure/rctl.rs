//! Limits of whole trees as rctl(8) has them: rules, each about a jail or a login class.

use crate::usage::Ceiling;

/// The longest name of a login class (`MAXLOGNAME`, without the zero).
const CLASS_BYTES_MAX: usize = 32;
/// What the name of a service is cut to where it is too long, before a number made of the whole.
const CUT_BYTES: usize = 19;

/// What a tree is counted as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// The jail of this name, which is made for it alone.
    Jail(String),
    /// A login class of this name, which nobody else is in.
    Class(String),
}

impl Subject {
    /// All rules about it.
    pub(crate) fn filter(&self) -> String {
        match self {
            Self::Jail(name) => format!("jail:{name}"),
            Self::Class(name) => format!("loginclass:{name}"),
        }
    }

    /// The rule that limits it. Memory that is too much cannot be denied once it is there, so who takes it is ended, as
    /// by the kernel of the other system; what is counted as tasks there are threads here.
    pub(crate) fn rule(&self, ceiling: Ceiling) -> String {
        let what = match ceiling {
            Ceiling::Memory(bytes) => format!("memoryuse:sigkill={bytes}"),
            Ceiling::Tasks(count) => format!("nthr:deny={count}"),
            Ceiling::Cpu(percent) => format!("pcpu:deny={percent}"),
        };
        format!("{}:{what}", self.filter())
    }
}

/// The login class for the tree of this name, such as `web.17`: the same for every run of a service.
pub(crate) fn class_of(tree: &str) -> String {
    let service = tree.rsplit_once('.').map_or(tree, |(service, _)| service);
    let tame: String = service.chars().map(|found| if found == ':' || found == '/' { '_' } else { found }).collect();
    let name = format!("svc-{tame}");
    if name.len() <= CLASS_BYTES_MAX {
        return name;
    }
    // FNV-1a: two long names that begin alike are two classes.
    let number = service.bytes().fold(0x811c_9dc5_u32, |sum, byte| (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let cut = tame.floor_char_boundary(CUT_BYTES);
    format!("svc-{}-{number:08x}", &tame[..cut])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_names_who_is_counted_what_is_limited_and_what_happens_then() {
        let class = Subject::Class(class_of("web.17"));
        assert_eq!(class.rule(Ceiling::Memory(512 << 20)), "loginclass:svc-web:memoryuse:sigkill=536870912");
        assert_eq!(class.rule(Ceiling::Cpu(150)), "loginclass:svc-web:pcpu:deny=150");
        let jail = Subject::Jail("svc-web".into());
        assert_eq!(jail.rule(Ceiling::Tasks(100)), "jail:svc-web:nthr:deny=100");
        assert_eq!(jail.filter(), "jail:svc-web");
    }

    #[test]
    fn a_login_class_fits_and_is_one_services_alone() {
        assert_eq!(class_of("getty@tty1.3"), class_of("getty@tty1.4"));
        assert_eq!(class_of("a:b.1"), "svc-a_b");
        let long = |end: &str| class_of(&format!("a-service-with-a-very-long-name-{end}.1"));
        assert!(long("one").len() <= CLASS_BYTES_MAX && long("one") != long("two"));
        assert!(class_of(&format!("{}.1", "\u{fc}".repeat(40))).len() <= CLASS_BYTES_MAX);
    }
}
