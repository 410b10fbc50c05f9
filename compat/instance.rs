//! One script under several names: links of rc.d scripts, `net.eth0`, profiles.

use super::shell::{Shell, Values};
use super::text::decode;

/// A script that runs under another name than its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// The script that the link leads to.
    pub script: String,
    /// What tells it apart: `eth0` of `net.eth0`, or the link's whole name.
    pub instance: String,
}

/// What a link in a directory of scripts stands for: its name and the last name of what it leads to.
///
/// `None` where both are called the same, or the link only drops an ending (`hwclock` to `hwclock.sh`).
pub fn of_link(link: &str, target: &str) -> Option<Instance> {
    let plain = |name: &str| name.strip_suffix(".sh").unwrap_or(name).to_string();
    if plain(link) == plain(target) || link.is_empty() {
        return None;
    }
    // OpenRC: everything after the first dot is the script's to use, and the script itself is often `net.lo`.
    let (kind, of_target) = (link.split_once('.'), target.split('.').next());
    let instance = match kind {
        Some((kind, instance)) if Some(kind) == of_target && !instance.is_empty() => instance,
        _ => link,
    };
    Some(Instance { script: target.to_string(), instance: instance.to_string() })
}

/// The variable of rc.conf that lists the profiles a script runs under, if it knows any: `nginx_profiles`.
pub(crate) fn profiles(shell: &Shell<'_>, values: &Values) -> Option<String> {
    let name = values.first("name")?;
    let variable = format!("{name}_profiles");
    let spelled =
        [format!("${variable}"), format!("${{{variable}"), "${name}_profiles".into(), "${name}_profiles}".into()];
    let mut words = shell.commands.iter().flat_map(|command| command.words.iter().chain(&command.assignments));
    words.any(|word| spelled.iter().any(|text| decode(shell.bytes(*word)).contains(text.as_str()))).then_some(variable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_under_another_name_is_an_instance() {
        let told = |link, target| of_link(link, target).map(|found| (found.script, found.instance));
        assert_eq!(told("net.eth0", "net.lo"), Some(("net.lo".into(), "eth0".into())));
        assert_eq!(told("openvpn.office", "openvpn"), Some(("openvpn".into(), "office".into())));
        assert_eq!(told("sshd2", "sshd"), Some(("sshd".into(), "sshd2".into())));
        assert_eq!(told("sshd", "sshd"), None);
        assert_eq!(told("hwclock", "hwclock.sh"), None);
    }

    #[test]
    fn a_script_with_profiles_says_which_variable_lists_them() {
        let read = |text: &str| crate::script::read("web", text.as_bytes()).profiles;
        let text = "# PROVIDE: web\n. /etc/rc.subr\nname=web\nif [ -n \"${web_profiles}\" ]; then :; fi\n";
        assert_eq!(read(text).as_deref(), Some("web_profiles"));
        assert_eq!(read(&text.replace("web_profiles", "web_other")), None);
        assert_eq!(
            read(&text.replace("\"${web_profiles}\"", "x; eval _p=\\$${name}_profiles")).as_deref(),
            Some("web_profiles")
        );
    }
}
