//! The inventory as one HTML page that needs nothing beside it.

use std::fmt::Write;

use super::markup::escaped;
use super::order::Place;
use super::picture::{Picture, draw};
use super::{Adoption, Boot, Entry, Inventory, Systemd, What};

const STYLE: &str = include_str!("page.css");

/// The page.
pub(crate) fn html(inventory: &Inventory) -> String {
    let mut page = String::from("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    let of = match inventory.root.as_str() {
        "/" => "this machine".to_owned(),
        root => format!("<code>{}</code>", escaped(root)),
    };
    let _ = write!(
        page,
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Legacy scripts</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<h1>Legacy scripts of {of}</h1>\n\
         <p class=\"soft\">What is there, what starts at boot, what svc can run as it is, and what systemd 260, \
         which runs no init scripts, no longer starts. Nothing was changed and nothing was run.</p>\n"
    );
    counts(&mut page, inventory);
    dropped(&mut page, inventory);
    picture(&mut page, inventory);
    services(&mut page, inventory);
    others(&mut page, inventory);
    let _ = writeln!(
        page,
        "<footer>svc {}, <code>svc migrate --html</code>; what the remarks mean: svc-import(7)</footer>\n\
         </body>\n</html>",
        env!("CARGO_PKG_VERSION")
    );
    page
}

/// A path that may be broken after its slashes.
fn path(text: &str) -> String {
    format!("<code>{}</code>", escaped(text).replace('/', "/<wbr>"))
}

fn counts(page: &mut String, inventory: &Inventory) {
    let count = |matches: &dyn Fn(&Entry) -> bool| inventory.services().filter(|entry| matches(entry)).count();
    let all = inventory.services().count();
    let adoptable = count(&|entry| entry.is_adoptable());
    let rows = [
        (all, "scripts that can be started", "plain"),
        (count(&|entry| entry.what == What::Service), "of them leave a daemon", "plain"),
        (count(&|entry| entry.boot.on == Some(true)), "start at boot", "plain"),
        (count(&|entry| entry.running.is_some()), "run now", "plain"),
        (adoptable, "svc runs as they are", "good"),
        (all - adoptable, "svc does not", if adoptable < all { "odd" } else { "plain" }),
        (
            inventory.dropped().count(),
            "systemd 260 drops",
            if inventory.dropped().next().is_some() { "bad" } else { "plain" },
        ),
        (inventory.services().map(|entry| entry.faults.len()).sum(), "remarks on their text", "plain"),
    ];
    page.push_str("<ul class=\"counts\">\n");
    for (number, text, class) in rows {
        // Below another root nobody looks for processes.
        if text != "run now" || inventory.root == "/" {
            let _ = writeln!(page, "<li class=\"{class}\"><b>{number}</b>{text}</li>");
        }
    }
    page.push_str("</ul>\n");
}

fn dropped(page: &mut String, inventory: &Inventory) {
    let all: Vec<&Entry> = inventory.dropped().collect();
    if all.is_empty() {
        return;
    }
    let (started, other): (Vec<&Entry>, Vec<&Entry>) =
        all.into_iter().partition(|entry| entry.systemd == Systemd::Dropped { was_started: true });
    page.push_str(
        "<section class=\"box warn\">\n<h2 style=\"margin-top:0\">What systemd 260 drops without a word</h2>\n",
    );
    if !started.is_empty() {
        page.push_str("<p>No unit stands beside these, and they were started at boot until now:</p>\n");
        chips(page, started.iter().map(|entry| entry.name.as_str()), "chips");
    }
    if !other.is_empty() {
        page.push_str("<p>No unit stands beside these either; systemd did not start them at boot before:</p>\n");
        chips(page, other.iter().map(|entry| entry.name.as_str()), "chips calm");
    }
    page.push_str("</section>\n");
}

fn chips<'a>(page: &mut String, names: impl Iterator<Item = &'a str>, class: &str) {
    let _ = write!(page, "<ul class=\"{class}\">");
    for name in names.map(escaped) {
        let _ = write!(page, "<li><a href=\"#s-{name}\">{name}</a></li>");
    }
    page.push_str("</ul>\n");
}

fn picture(page: &mut String, inventory: &Inventory) {
    let class = |place: &Place| {
        let entry = inventory.services().find(|entry| entry.name == place.name);
        match (place.dialect, entry) {
            (None, _) => "native",
            (Some(_), Some(entry)) if matches!(entry.systemd, Systemd::Dropped { .. }) => "dropped",
            (Some(_), Some(entry)) if entry.what == What::Service => "service",
            (Some(_), _) => "other",
        }
    };
    let Picture { svg, alone, last } = draw(&inventory.order, &class);
    page.push_str(
        "<h2>Order</h2>\n<p class=\"soft\">As svc starts them, from left to right. A line is drawn where no other way \
         says the same; a thick one means that the later requires the earlier. What comes after the same and before \
         nothing is in one box.</p>\n\
         <ul class=\"legend\"><li><i class=\"service\"></i>leaves a daemon</li>\
         <li><i class=\"other\"></i>does something and is done</li>\
         <li><i class=\"dropped\"></i>dropped by systemd 260</li>\
         <li><i class=\"native\"></i>definition of svc</li></ul>\n",
    );
    let _ = writeln!(page, "<figure class=\"box\">{svg}</figure>");
    for (names, when) in [(alone, "At any time, for all their headers say:"), (last, "After all other scripts:")] {
        if !names.is_empty() {
            let _ = writeln!(page, "<p class=\"soft\">{when}</p>");
            chips(page, names.iter().map(String::as_str), "chips calm");
        }
    }
    if !inventory.order.messages.is_empty() {
        page.push_str("<ul>\n");
        for message in &inventory.order.messages {
            let _ = writeln!(page, "<li><code>{}</code></li>", escaped(message.trim()));
        }
        page.push_str("</ul>\n");
    }
}

fn services(page: &mut String, inventory: &Inventory) {
    page.push_str(
        "<h2>Scripts</h2>\n<div class=\"box wide\"><table>\n<tr><th>Script<th>What<th>At boot<th>Runs<th>systemd 260\
         <th>svc<th>Remarks</tr>\n",
    );
    for entry in inventory.services() {
        row(page, entry);
    }
    page.push_str("</table></div>\n");
}

fn row(page: &mut String, entry: &Entry) {
    let _ = write!(
        page,
        "<tr id=\"s-{0}\"><td class=\"name\"><b>{0}</b><span class=\"soft\">{1}</span>\
         <span class=\"soft\">{2}</span></td><td class=\"what\">{3}<span class=\"soft\">{4}</span></td>",
        escaped(&entry.name),
        escaped(&entry.description),
        path(&entry.file),
        entry.what.word(),
        entry.dialect_word(),
    );
    let _ = write!(page, "<td>{}</td>", boot(&entry.boot));
    let running = entry.running.as_ref().map_or_else(
        || "<span class=\"soft\">-</span>".to_owned(),
        |found| format!("pid {}<span class=\"soft\">{}</span>", found.pid, path(&found.by)),
    );
    let _ = write!(page, "<td>{running}</td><td>{}</td><td>{}</td><td class=\"more\">", fate(entry), verdict(entry));
    for program in &entry.missing {
        let _ = write!(page, "<div><code>{}</code> is not installed</div>", escaped(program));
    }
    if let Some(other) = &entry.instance_of {
        let _ = write!(page, "<div>an instance of <code>{}</code></div>", escaped(other));
    }
    let faults = entry.faults.iter().map(|fault| format!("{}: {}", fault.spot, fault.text));
    list(page, entry.faults.len(), "remark", faults);
    let callers =
        entry.callers.iter().map(|caller| format!("{}, {}: {}", caller.kind.word(), caller.spot, caller.text));
    list(page, entry.callers.len(), "caller", callers);
    page.push_str("</td></tr>\n");
}

fn list(page: &mut String, count: usize, what: &str, lines: impl Iterator<Item = String>) {
    if count == 0 {
        return;
    }
    let _ = write!(page, "<details><summary>{count} {what}{}</summary><ul>", if count == 1 { "" } else { "s" });
    for line in lines {
        let _ = write!(page, "<li><code>{}</code></li>", escaped(&line));
    }
    page.push_str("</ul></details>");
}

fn boot(boot: &Boot) -> String {
    let word = match boot.on {
        Some(true) => "<span class=\"tag good\">yes</span>",
        Some(false) => "<span class=\"tag\">no</span>",
        None => "<span class=\"tag odd\">depends</span>",
    };
    let spots: Vec<String> = boot.at.iter().map(|spot| path(&spot.to_string())).collect();
    match spots.as_slice() {
        [] => word.to_owned(),
        [first] => format!("{word}<span class=\"soft\">{first}</span>"),
        [first, rest @ ..] => {
            format!("{word}<span class=\"soft\">{first} and {} more</span>", rest.len())
        }
    }
}

fn fate(entry: &Entry) -> String {
    let under = |file: &str| format!("<span class=\"soft\">{}</span>", path(file));
    match &entry.systemd {
        Systemd::None => "<span class=\"soft\">-</span>".to_owned(),
        Systemd::Unit { file } => format!("<span class=\"tag good\">unit</span>{}", under(file)),
        Systemd::Masked { file } => format!("<span class=\"tag\">masked</span>{}", under(file)),
        Systemd::Dropped { was_started: true } => "<span class=\"tag bad\">dropped</span>".to_owned(),
        Systemd::Dropped { was_started: false } => "<span class=\"tag odd\">no unit</span>".to_owned(),
    }
}

fn verdict(entry: &Entry) -> String {
    match &entry.adoption {
        Adoption::None => String::new(),
        Adoption::Yes => "<span class=\"tag good\">as it is</span>".to_owned(),
        Adoption::Served { definition } => {
            format!("<span class=\"tag good\">definition</span><span class=\"soft\">{}</span>", path(definition))
        }
        Adoption::No { reasons } => {
            let items: String = reasons.iter().map(|reason| format!("<li>{}</li>", escaped(reason))).collect();
            format!("<span class=\"tag bad\">no</span><ul>{items}</ul>")
        }
    }
}

fn others(page: &mut String, inventory: &Inventory) {
    let rest: Vec<&Entry> = inventory.scripts.iter().filter(|entry| !entry.what.is_service()).collect();
    if rest.is_empty() {
        return;
    }
    page.push_str(
        "<h2>Files that are no services</h2>\n<div class=\"box wide\"><table>\n<tr><th>File<th>What<th>Why</tr>\n",
    );
    for entry in rest {
        let _ = writeln!(
            page,
            "<tr><td><code>{}</code></td><td>{}</td><td>{}</td></tr>",
            escaped(&entry.file),
            entry.what.word(),
            escaped(&entry.why)
        );
    }
    page.push_str("</table></div>\n");
}
