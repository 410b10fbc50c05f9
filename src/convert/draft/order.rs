//! What comes before and after a service, and what is started along with it.

use svc_compat::facility::Facilities;
use svc_core::Name;

use super::{Draft, Evidence, list};

impl Draft {
    /// Takes what the script says of others.
    pub(super) fn order(&mut self, evidence: &Evidence) {
        let facts = &evidence.facts;
        let facilities = Facilities::debian();
        let own = self.name.clone();
        let names = |words: &[String]| -> Vec<String> {
            let mut out: Vec<String> = Vec::new();
            for word in words {
                let members: Vec<String> = match word.starts_with('$') {
                    true => facilities.members(word).into_iter().map(|member| member.name).collect(),
                    false => vec![word.clone()],
                };
                for name in members {
                    let plain = Name::new(&name).is_ok_and(|name| name != own);
                    if plain && svc_compat::script::why_not(&name).is_none() && !out.contains(&name) {
                        out.push(name);
                    }
                }
            }
            out
        };
        let after = names(&[&facts.required_start[..], &facts.should_start[..]].concat());
        let before = names(&facts.x_start_before);
        let along = names(&facts.along);
        let header = format!("{}: its header, as order", evidence.path);
        if !along.is_empty() {
            self.key("", "wants", list(&along), format!("{}: OpenRC starts these along with it", evidence.path));
        }
        let starts = [&facts.required_start[..], &facts.should_start[..]].concat();
        for (words, place) in [(&starts, "after"), (&facts.x_start_before, "before")] {
            if words.iter().any(|word| word == "$all") {
                self.open
                    .push(format!("it starts {place} all others, which no definition can say: name those that count"));
            }
        }
        if !after.is_empty() {
            self.key("", "after", list(&after), header.clone());
        }
        if !before.is_empty() {
            self.key("", "before", list(&before), header.clone());
        }
        let provides: Vec<&String> =
            facts.provides.iter().filter(|name| Name::new(name).is_ok_and(|name| name != self.name)).collect();
        if !provides.is_empty() {
            self.key("", "provides", list(&provides), header);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use svc_compat::daemons::Table;

    use crate::convert::{Tree, Verdict, convert};

    #[test]
    fn what_openrc_starts_along_is_wanted_and_all_others_are_an_open_point() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("usr/sbin")).unwrap();
        fs::write(folder.path().join("usr/sbin/webd"), "#!/bin/sh\n").unwrap();
        let text = b"#!/sbin/openrc-run\ncommand=/usr/sbin/webd\ncommand_background=yes\npidfile=/run/web.pid\n\
            depend() { need net; want logger; use dns; after *; }\n";
        let (_, verdict) = convert(&Tree::partial(folder.path()), &Table::default(), "/etc/init.d/web", text);
        let Verdict::Converted(draft) = verdict else { panic!("{verdict:?}") };
        let value = |name: &str| draft.keys.iter().find(|key| key.name == name).map(|key| key.value.as_str());
        assert_eq!(value("wants"), Some("[\"net\", \"logger\"]"));
        assert_eq!(value("after"), Some("[\"net\", \"dns\", \"logger\"]"));
        assert!(draft.open.iter().any(|open| open.starts_with("it starts after all others")), "{:?}", draft.open);
    }
}
