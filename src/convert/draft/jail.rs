//! The service jail of rc.conf(5) as a table `[jail]`.

use svc_compat::play::Launch;
use svc_compat::service_jail;
use svc_core::definition::System;
use svc_core::service::Network;

use super::{Draft, list, quoted};

impl Draft {
    /// The jail is carried over where there are jails; elsewhere somebody is told.
    pub(super) fn jail(&mut self, launch: &Launch, system: System) {
        let Some((options, addresses)) = &launch.context.service_jail else { return };
        if system != System::Freebsd {
            return self.open.push(format!("{}: its service jail is not carried over: {system} has none", launch.spot));
        }
        let (jail, notes) = match service_jail::jail(options, addresses) {
            Ok(made) => made,
            Err(error) => return self.open.push(format!("{}: its service jail: {error}", launch.spot)),
        };
        let origin = |what: &str| format!("{what} of rc.conf, at {}", launch.spot);
        self.key("jail", "path", quoted("/"), origin("svcj"));
        for (key, network) in [("ip4", &jail.ip4), ("ip6", &jail.ip6)] {
            match network {
                Network::Disable => {}
                Network::Inherit => self.key("jail", key, quoted("inherit"), origin("svcj_options")),
                Network::Own(addresses) => self.key("jail", key, list(addresses), origin("svcj_ipaddrs")),
            }
        }
        if !jail.options.is_empty() {
            self.key("jail", "options", list(&jail.options), origin("svcj_options"));
        }
        self.open.extend(notes.into_iter().map(|note| format!("{}: {note}", launch.spot)));
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use svc_compat::daemons::Table;

    use crate::convert::{Tree, Verdict, convert};

    const SCRIPT: &str = "#!/bin/sh\n# PROVIDE: near\n. /etc/rc.subr\nname=near\nrcvar=near_enable\n\
        load_rc_config $name\ncommand=/usr/sbin/near\ncommand_args=-F\nrun_rc_command \"$1\"\n";

    /// The table `[jail]` and the open points for a script with these lines of rc.conf.
    fn drafted(rc_conf: &str, system: System) -> (String, String) {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in [("etc/rc.conf", rc_conf), ("usr/sbin/near", "#!/bin/sh\n")] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let made = convert(&Tree::new(folder.path()), &Table::known(), "/etc/rc.d/near", SCRIPT.as_bytes());
        let (evidence, Verdict::Converted(mut draft)) = made else { panic!("it is kept: {:?}", made.1) };
        draft.keys.retain(|key| key.table != "jail");
        draft.open.clear();
        draft.jail(evidence.main.as_ref().unwrap(), system);
        let keys = draft.keys.iter().filter(|key| key.table == "jail");
        let keys = keys.map(|key| format!("{} = {}", key.name, key.value)).collect::<Vec<_>>().join("\n");
        (keys, draft.open.join("\n"))
    }

    #[test]
    fn a_service_jail_becomes_a_jail_of_the_definition() {
        let plain = "near_svcj=\"YES\"\n";
        assert_eq!(drafted(plain, System::Freebsd), ("path = \"/\"".into(), String::new()));
        let more = format!("{plain}near_svcj_options=\"net_basic mlock what\"\nnear_svcj_ipaddrs=\"127.0.0.1\"\n");
        let (keys, open) = drafted(&more, System::Freebsd);
        let options = "options = [\"allow.reserved_ports\", \"allow.mlock\"]";
        assert_eq!(keys, format!("path = \"/\"\nip4 = [\"127.0.0.1\"]\n{options}"));
        assert!(open.ends_with("unknown service jail option: what"), "{open}");
        assert_eq!(drafted("near_svcj=\"NO\"\n", System::Freebsd), (String::new(), String::new()));
        let (keys, open) = drafted(plain, System::Linux);
        assert!(keys.is_empty() && open.ends_with("its service jail is not carried over: Linux has none"), "{open}");
    }
}
