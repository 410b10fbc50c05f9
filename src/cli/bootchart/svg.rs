//! The chart as a picture: a row a service, grey while it waited, coloured while it started.

use std::fmt::Write;
use std::time::Duration;

use super::{Bar, Chart, moment, took};

const WIDTH: f64 = 900.0;
const ROW: usize = 20;
const BAR: usize = 14;
const MARGIN: usize = 20;
const HEAD: usize = 40;
/// Room for names to the right of the bars.
const NAMES: usize = 320;
/// About so many lines of time are drawn.
const LINES: u128 = 10;

/// The chart as SVG.
pub(super) fn svg(chart: &Chart) -> String {
    let span = chart.after(chart.end).max(Duration::from_millis(1));
    let x = |after: Duration| MARGIN as f64 + WIDTH * after.as_secs_f64() / span.as_secs_f64();
    let height = HEAD + ROW * chart.bars.len() + MARGIN;
    let width = WIDTH as usize + 2 * MARGIN + NAMES;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    let mut at = Duration::ZERO;
    let step = step(span);
    while at <= span {
        let _ = writeln!(
            text,
            "<path d=\"M{0:.1} {HEAD}V{1}\" stroke=\"#ddd\"/><text x=\"{0:.1}\" y=\"{2}\" fill=\"#666\" \
             text-anchor=\"middle\">{3}</text>",
            x(at),
            height - MARGIN,
            HEAD - 8,
            moment(at)
        );
        at += step;
    }
    for (row, bar) in chart.bars.iter().enumerate() {
        let y = HEAD + row * ROW + (ROW - BAR) / 2;
        text += &drawn(chart, bar, y, &x);
    }
    let legend = "grey: waited; blue: started; red: the critical chain";
    let _ = writeln!(text, "<text x=\"{MARGIN}\" y=\"{}\" fill=\"#666\">{legend}</text>\n</svg>", height - 5);
    text
}

fn drawn(chart: &Chart, bar: &Bar, y: usize, x: &impl Fn(Duration) -> f64) -> String {
    let wanted = x(chart.after(bar.wanted));
    let launched = x(chart.after(bar.launched.or(bar.ready).unwrap_or(chart.end)));
    let ready = x(chart.after(bar.ready.unwrap_or(chart.end)));
    let colour = match (bar.critical, bar.ready) {
        (_, None) => "#bbb",
        (true, Some(_)) => "#d43",
        (false, Some(_)) => "#48c",
    };
    let label = match (took(bar), bar.ready) {
        (Some(took), _) => format!("{} ({})", bar.name, moment(took)),
        (None, Some(_)) => bar.name.clone(),
        (None, None) => format!("{} (never ready)", bar.name),
    };
    let rect = |from: f64, to: f64, fill: &str| {
        let width = (to - from).max(1.0);
        format!("<rect x=\"{from:.1}\" y=\"{y}\" width=\"{width:.1}\" height=\"{BAR}\" fill=\"{fill}\"/>\n")
    };
    // Names hold no character that a picture would take for its own.
    let text = format!("<text x=\"{:.1}\" y=\"{}\">{label}</text>\n", ready + 6.0, y + BAR - 3);
    rect(wanted, launched, "#ddd") + &rect(launched, ready, colour) + &text
}

/// A round distance between lines of time.
fn step(span: Duration) -> Duration {
    let least = (span.as_millis() / LINES).max(1);
    let mut unit: u128 = 1;
    while unit * 5 < least {
        unit *= 10;
    }
    let step = [1, 2, 5].into_iter().map(|part| part * unit).find(|step| *step >= least).unwrap_or(unit * 10);
    Duration::from_millis(u64::try_from(step).unwrap_or(u64::MAX))
}
