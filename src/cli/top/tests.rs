//! What keys do, and what the screen looks like at sizes that are not usual.

use super::model::{Deed, Mode, Model, SortKey, Wish};
use super::*;
use crate::wire::{StateName, Summary};

fn usage(name: &str, state: StateName, memory: u64, cpu: u64) -> Usage {
    Usage {
        summary: Summary {
            name: Name::new(name).unwrap(),
            kind: "process".into(),
            state,
            wanted: true,
            reason: String::new(),
            since: Duration::from_secs(memory),
            pid: Some(7),
            enabled: true,
            description: format!("the {name}"),
        },
        memory: Some(memory),
        cpu: Some(Duration::from_millis(cpu)),
        restarts: 0,
    }
}

fn world() -> Vec<Usage> {
    vec![
        usage("alpha", StateName::Up, 10, 100),
        usage("beta", StateName::Failed, 30, 100),
        usage("gamma", StateName::Up, 20, 100),
    ]
}

fn model() -> Model {
    let mut model = Model::new(SortKey::Name);
    model.take(world(), Instant::now());
    model
}

fn order(model: &Model) -> Vec<&str> {
    model.shown().iter().map(|row| row.usage.summary.name.as_str()).collect()
}

fn typed(model: &mut Model, text: &str) -> Wish {
    text.chars().map(|letter| model.key(Key::Letter(letter))).last().unwrap()
}

#[test]
fn a_service_is_busy_by_what_it_used_since_the_last_look() {
    let (mut model, begun) = (Model::new(SortKey::Cpu), Instant::now());
    model.take(world(), begun);
    assert!(model.rows.iter().all(|row| row.busy == 0.0));
    let mut later = world();
    later[2].cpu = Some(Duration::from_millis(1100));
    later[0].cpu = Some(Duration::from_millis(50));
    model.take(later, begun + Duration::from_secs(2));
    let busy: Vec<f64> = model.rows.iter().map(|row| row.busy.round()).collect();
    assert_eq!(busy, [3.0, 0.0, 50.0], "a new run counts from nothing");
    assert_eq!(order(&model), ["gamma", "alpha", "beta"]);
}

#[test]
fn letters_sort_and_the_same_again_turns_the_order_round() {
    let mut model = model();
    for (letter, expected) in [
        ('M', ["beta", "gamma", "alpha"]),
        ('M', ["alpha", "gamma", "beta"]),
        ('S', ["beta", "alpha", "gamma"]),
        ('F', ["alpha", "gamma", "beta"]),
        ('N', ["alpha", "beta", "gamma"]),
    ] {
        model.key(Key::Letter(letter));
        assert_eq!(order(&model), expected, "{letter}");
    }
}

#[test]
fn the_chosen_service_stays_chosen_when_the_order_changes() {
    let mut model = model();
    model.key(Key::Down);
    model.key(Key::Letter('S'));
    assert_eq!(model.at(&model.shown()), 0);
    assert_eq!(typed(&mut model, "s"), Wish::Do(Deed::Start, Name::new("beta").unwrap()));
    model.key(Key::End);
    assert_eq!(typed(&mut model, "w"), Wish::Do(Deed::Why, Name::new("gamma").unwrap()));
}

#[test]
fn what_ends_a_service_is_asked_about_first() {
    let mut model = model();
    assert_eq!(typed(&mut model, "t"), Wish::Nothing);
    assert_eq!(typed(&mut model, "n"), Wish::Nothing);
    assert_eq!(typed(&mut model, "ty"), Wish::Do(Deed::Stop, Name::new("alpha").unwrap()));
    assert_eq!(typed(&mut model, "ry"), Wish::Do(Deed::Restart, Name::new("alpha").unwrap()));
}

#[test]
fn a_filter_is_a_text_a_pattern_or_a_state() {
    let mut model = model();
    for (filter, expected) in [("am", &["gamma"][..]), ("*a", &["alpha", "beta", "gamma"]), ("failed", &["beta"])] {
        typed(&mut model, "/");
        typed(&mut model, filter);
        assert_eq!(order(&model), expected, "{filter}");
        model.key(Key::Enter);
        model.key(Key::Escape);
        assert_eq!(order(&model).len(), 3);
    }
    typed(&mut model, "/qx");
    assert_eq!(model.key(Key::Letter('q')), Wish::Nothing, "in a filter it is a letter");
    assert_eq!((model.filter.as_str(), order(&model).len()), ("qxq", 0));
    model.key(Key::Enter);
    assert_eq!(typed(&mut model, "s"), Wish::Nothing, "nothing is chosen where nothing is shown");
}

#[test]
fn every_line_fits_whatever_the_size() {
    for (width, height) in [(1, 1), (10, 3), (40, 5), (80, 24), (200, 50)] {
        let look = Look { width: Some(width), utf8: true, quiet: false, memory: None };
        for mode in [Mode::Table, Mode::Filter, Mode::Page(vec!["x".repeat(300)], 0)] {
            let mut model = model();
            model.mode = mode;
            let lines = draw::screen(&mut model, &"machine ".repeat(40), &look, height);
            assert_eq!(lines.len(), height);
            if width >= 80 {
                for line in lines {
                    assert!(show::columns(&anstream::adapter::strip_str(&line).to_string()) <= width, "{line}");
                }
            }
        }
    }
}

#[test]
fn a_page_is_left_with_any_key_that_does_not_move_in_it() {
    let mut model = model();
    model.room = 2;
    model.page("1\n2\n3\n4\n5");
    model.key(Key::PageDown);
    model.key(Key::PageDown);
    assert!(matches!(model.mode, Mode::Page(_, 3)), "{:?}", model.mode);
    assert_eq!(model.key(Key::Letter('q')), Wish::Nothing);
    assert_eq!(model.mode, Mode::Table);
}
