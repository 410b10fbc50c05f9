//! `svc bootchart`: when each service was wanted, launched and ready, and the chain that decided how long it all took.

mod svg;

use clap::Args;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use svc_core::{ServiceId, Supervisor, Time};

use super::copy::resolve;
use super::out::{fail, say};
use super::plan::moment;
use super::session::Session;
use super::show::{BOLD, DIM, Look, columns, cut, pad, paint};
use super::{code, json};

/// What a chart of starts shows.
#[derive(Args, Debug)]
pub(crate) struct Words {
    /// Names or patterns; none: all that were started together at first
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// Also what was started later
    #[arg(long)]
    pub(crate) all: bool,
    /// Draw it as SVG into this file; -: to standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
}

/// A pause that long ends the first spell of starts: what is wanted later is no part of it.
const PAUSE: Duration = Duration::from_secs(1);
/// So many of the longest starts are shown.
const LONGEST: usize = 10;

/// The first start of one service.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Bar {
    id: ServiceId,
    name: String,
    wanted: Time,
    launched: Option<Time>,
    ready: Option<Time>,
    /// It is on the critical chain.
    critical: bool,
}

/// All that is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Chart {
    /// In the order in which they were wanted and launched.
    bars: Vec<Bar>,
    /// The critical chain, last first.
    chain: Vec<usize>,
    begin: Time,
    end: Time,
}

impl Session {
    /// Shows the chart as text, or writes it as a picture.
    pub(super) fn bootchart(&self, asked: &Words) -> u8 {
        self.with_copy(|session, snapshot| {
            let ids = resolve(&snapshot.core, &asked.names)?;
            let Some(chart) = Chart::new(&snapshot.core, &ids, asked.all || !asked.names.is_empty()) else {
                let text = "no service was started since the machine came up";
                return Ok(fail(session.json(), text, code::FAILED));
            };
            if let Some(file) = &asked.svg {
                return Ok(write(file, &svg::svg(&chart), session.json()));
            }
            if session.json() {
                say(&json::value("bootchart", as_json(&chart)));
            } else {
                say(&text(&chart, session.look()));
            }
            Ok(code::GOOD)
        })
    }
}

fn write(file: &Path, text: &str, json: bool) -> u8 {
    if file.as_os_str() == "-" {
        say(text);
        return code::GOOD;
    }
    match svc_platform::files::replace(file, text.as_bytes(), 0o644) {
        Ok(()) => code::GOOD,
        Err(error) => fail(json, &format!("writing {}: {error}", file.display()), code::FAILED),
    }
}

impl Chart {
    /// The first starts of these services; not `whole`: only those of the first spell, at the machine's boot or when
    /// svcd came up. `None` where there were none.
    fn new(core: &Supervisor, ids: &[ServiceId], whole: bool) -> Option<Self> {
        let mut bars: Vec<Bar> = ids.iter().filter_map(|id| bar(core, *id)).collect();
        bars.sort_by(|one, other| order(one).cmp(&order(other)));
        let begin = bars.first()?.wanted;
        let mut end = begin;
        let mut kept = Vec::new();
        for bar in bars {
            if !whole && bar.wanted > end + PAUSE {
                break;
            }
            end = end.max(bar.ready.or(bar.launched).unwrap_or(bar.wanted));
            kept.push(bar);
        }
        let chain = chain(core, &kept);
        chain.iter().for_each(|at| kept[*at].critical = true);
        Some(Self { bars: kept, chain, begin, end })
    }

    fn after(&self, time: Time) -> Duration {
        time.since(self.begin)
    }
}

fn bar(core: &Supervisor, id: ServiceId) -> Option<Bar> {
    let first = core.memory(id).course.first;
    let name = core.service(id).name.to_string();
    Some(Bar { id, name, wanted: first.wanted?, launched: first.launched, ready: first.ready, critical: false })
}

fn order(bar: &Bar) -> (Time, Time, &str) {
    let last = bar.ready.unwrap_or(bar.wanted);
    (bar.wanted, bar.launched.unwrap_or(last), &bar.name)
}

/// From the service that was ready last back to the one that nothing had to come before: always the one that was
/// waited for longest.
fn chain(core: &Supervisor, bars: &[Bar]) -> Vec<usize> {
    let ready = |at: &usize| bars[*at].ready;
    let mut next = (0..bars.len()).filter(|at| ready(at).is_some()).max_by_key(|at| (ready(at), bars[*at].name.len()));
    let mut chain = Vec::new();
    let mut seen = BTreeSet::new();
    while let Some(at) = next.filter(|at| seen.insert(*at)) {
        chain.push(at);
        let edges = core.graph().of(bars[at].id);
        let earlier = |other: &usize| {
            let other = &bars[*other];
            let bound = edges.requires.contains(&other.id) || edges.after.contains(&other.id);
            bound && other.ready.is_some() && other.ready <= bars[at].launched
        };
        next = (0..bars.len()).filter(earlier).max_by_key(ready);
    }
    chain
}

fn took(bar: &Bar) -> Option<Duration> {
    Some(bar.ready?.since(bar.launched?))
}

/// The critical chain, and the longest starts.
fn text(chart: &Chart, look: &Look) -> String {
    let mut text = String::new();
    let ready = chart.bars.iter().filter(|bar| bar.ready.is_some()).count();
    let whole = moment(chart.after(chart.end));
    let _ = writeln!(text, "{ready} of {} services were ready after {whole}.", chart.bars.len());
    let _ = writeln!(text, "\n{}", paint(BOLD, "Critical chain, the last first"));
    let rows: Vec<(String, &Bar)> = chart
        .chain
        .iter()
        .enumerate()
        .map(|(depth, at)| {
            let joint = if look.utf8 { "└─ " } else { "`- " };
            let lead = if depth == 0 { String::new() } else { "  ".repeat(depth - 1) + joint };
            (lead + &chart.bars[*at].name, &chart.bars[*at])
        })
        .collect();
    text += &table(chart, &rows, look);
    let mut longest: Vec<(String, &Bar)> = chart.bars.iter().map(|bar| (bar.name.clone(), bar)).collect();
    longest.retain(|(_, bar)| took(bar).is_some());
    longest.sort_by_key(|(_, bar)| std::cmp::Reverse(took(bar)));
    longest.truncate(LONGEST);
    let _ = writeln!(text, "\n{}", paint(BOLD, "Longest starts"));
    text += &table(chart, &longest, look);
    let late: Vec<&str> = chart.bars.iter().filter(|bar| bar.ready.is_none()).map(|bar| bar.name.as_str()).collect();
    if !late.is_empty() {
        let _ = writeln!(text, "\n{} {}", paint(BOLD, "Never ready:"), late.join(", "));
    }
    text
}

fn table(chart: &Chart, rows: &[(String, &Bar)], look: &Look) -> String {
    let cells: Vec<[String; 4]> = rows
        .iter()
        .map(|(name, bar)| {
            let launched = bar.launched.or(bar.ready);
            let waited = launched.map(|launched| moment(launched.since(bar.wanted))).unwrap_or_default();
            let ready = bar.ready.map(|ready| moment(chart.after(ready))).unwrap_or_default();
            [name.clone(), waited, took(bar).map(moment).unwrap_or_default(), ready]
        })
        .collect();
    let heads = ["NAME", "WAITED", "TOOK", "READY AFTER"];
    let widest = |at: usize| cells.iter().map(|row| columns(&row[at])).chain([columns(heads[at])]).max().unwrap_or(0);
    let mut widths: [usize; 4] = std::array::from_fn(widest);
    let others: usize = widths[1..].iter().map(|width| width + 2).sum();
    if let Some(width) = look.width {
        widths[0] = widths[0].min(width.saturating_sub(others).max(12));
    }
    let line = |row: &[String; 4]| {
        let name = pad(&cut(&row[0], widths[0], look.utf8), widths[0]);
        let rest = row.iter().zip(widths).skip(1).map(|(cell, width)| format!("  {cell:>width$}"));
        name + &rest.collect::<String>()
    };
    let head = paint(DIM, &line(&heads.map(str::to_owned)));
    std::iter::once(head).chain(cells.iter().map(line)).map(|line| line.trim_end().to_owned() + "\n").collect()
}

fn as_json(chart: &Chart) -> Value {
    let seconds = |time: Option<Time>| time.map(|time| time.since_boot().as_secs_f64());
    let bar = |bar: &Bar| {
        json!({
            "name": bar.name,
            "wanted": seconds(Some(bar.wanted)),
            "launched": seconds(bar.launched),
            "ready": seconds(bar.ready),
            "critical": bar.critical,
        })
    };
    json!({
        "begin": seconds(Some(chart.begin)),
        "end": seconds(Some(chart.end)),
        "services": chart.bars.iter().map(bar).collect::<Vec<_>>(),
        "chain": chart.chain.iter().map(|at| chart.bars[*at].name.as_str()).collect::<Vec<_>>(),
    })
}
