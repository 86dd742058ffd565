//! What comes out: figures for people and for scripts.

use std::{borrow::Cow, fmt::Write as _};

use serde_json::{Map, Value, json};

use super::process;

/// One figure.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    key: Cow<'static, str>,
    label: Cow<'static, str>,
    value: f64,
    decimals: usize,
    must_be_zero: bool,
}

/// What one test found in one round.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    test: String,
    setting: String,
    load: f64,
    figures: Vec<Figure>,
}

impl Outcome {
    pub(crate) fn new(test: impl Into<String>, setting: impl Into<String>) -> Self {
        Self { test: test.into(), setting: setting.into(), load: process::load(), figures: Vec::new() }
    }

    /// Adds a figure: its name for scripts, its name for people, how many decimals are worth printing.
    pub(crate) fn figure(
        &mut self,
        key: impl Into<Cow<'static, str>>,
        label: impl Into<Cow<'static, str>>,
        value: f64,
        decimals: usize,
    ) {
        let (key, label) = (key.into(), label.into());
        self.figures.push(Figure { key, label, value, decimals, must_be_zero: false });
    }

    /// Adds how many there were.
    pub(crate) fn count(&mut self, key: &'static str, label: &'static str, count: u64) {
        self.figure(key, label, count as f64, 0);
    }

    /// Adds how many there were of what must not be.
    pub(crate) fn none(&mut self, key: &'static str, label: &'static str, count: u64) {
        let (key, label) = (key.into(), label.into());
        self.figures.push(Figure { key, label, value: count as f64, decimals: 0, must_be_zero: true });
    }

    fn failed(&self) -> bool {
        self.figures.iter().any(|figure| figure.must_be_zero && figure.value != 0.0)
    }
}

/// What all tests found.
#[derive(Debug, Clone, Default)]
pub struct Report {
    rounds: Vec<Vec<Outcome>>,
    nodes: usize,
    database: &'static str,
}

impl Report {
    pub(crate) fn new(nodes: usize, database: &'static str) -> Self {
        Self { rounds: Vec::new(), nodes, database }
    }

    pub(crate) fn add(&mut self, round: Vec<Outcome>) {
        self.rounds.push(round);
    }

    /// Whether nothing was lost, doubled, out of order or refused that must not be.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        !self.rounds.iter().flatten().any(Outcome::failed)
    }

    /// One JSON object per test and round, a line each.
    #[must_use]
    pub fn json_lines(&self) -> String {
        let mut text = String::new();
        for (round, outcome) in self
            .rounds
            .iter()
            .zip(1..)
            .flat_map(|(outcomes, round)| outcomes.iter().map(move |outcome| (round, outcome)))
        {
            let Self { nodes, database, .. } = self;
            let head = json!({
                "test": outcome.test, "round": round, "setting": outcome.setting, "nodes": nodes,
                "database": database, "build": build(), "load": outcome.load, "clean": !outcome.failed(),
            });
            let mut object: Map<String, Value> = head.as_object().cloned().unwrap_or_default();
            object.extend(outcome.figures.iter().map(|figure| (figure.key.to_string(), json!(figure.value))));
            let _ = writeln!(text, "{}", Value::Object(object));
        }
        text
    }

    /// A table for each test.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = String::new();
        let Some(first) = self.rounds.first() else { return text };
        for (test, outcome) in first.iter().enumerate() {
            let outcomes: Vec<&Outcome> = self.rounds.iter().filter_map(|round| round.get(test)).collect();
            let loads: Vec<f64> = outcomes.iter().map(|outcome| outcome.load).collect();
            let _ = writeln!(
                text,
                "{}: {}; {}, {}, {} build, load {}",
                outcome.test,
                outcome.setting,
                if self.nodes == 1 { "1 node".to_owned() } else { format!("{} nodes", self.nodes) },
                self.database,
                build(),
                spread(&loads, 1),
            );
            let width = outcome.figures.iter().map(|figure| figure.label.chars().count()).max().unwrap_or(0);
            for (row, figure) in outcome.figures.iter().enumerate() {
                let values: Vec<f64> =
                    outcomes.iter().filter_map(|outcome| Some(outcome.figures.get(row)?.value)).collect();
                let wrong = figure.must_be_zero && values.iter().any(|value| *value != 0.0);
                let wrong = if wrong { "  MUST BE 0" } else { "" };
                let _ =
                    writeln!(text, "  {:width$}  {}{wrong}", figure.label, spread(&values, figure.decimals));
            }
            text.push('\n');
        }
        text
    }
}

fn build() -> &'static str {
    if cfg!(debug_assertions) { "dev" } else { "release" }
}

/// One value as it is; of several the median, and minimum and maximum.
fn spread(values: &[f64], decimals: usize) -> String {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match &sorted[..] {
        [] => "–".to_owned(),
        [value] => number(*value, decimals),
        [low, .., high] => {
            let (low_middle, high_middle) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
            let median = number(f64::midpoint(low_middle, high_middle), decimals);
            format!("{median} ({}–{})", number(*low, decimals), number(*high, decimals))
        }
    }
}

/// With thousands set apart.
fn number(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let text = format!("{value:.decimals$}");
    let whole = text.split('.').next().unwrap_or_default().trim_start_matches('-').len();
    let sign = usize::from(text.starts_with('-'));
    let mut grouped = String::new();
    for (place, character) in text.chars().enumerate() {
        let digit = place.wrapping_sub(sign);
        if digit > 0 && digit < whole && (whole - digit).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(character);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_for_people() {
        assert_eq!(number(1_234_567.0, 0), "1,234,567");
        assert_eq!(number(-1234.56, 1), "-1,234.6");
        assert_eq!(number(123.456, 2), "123.46");
        assert_eq!(number(f64::NAN, 2), "–");
        assert_eq!(spread(&[3.0, 1.0, 2.0], 0), "2 (1–3)");
        assert_eq!(spread(&[1.0, 2.0], 1), "1.5 (1.0–2.0)");
    }

    #[test]
    fn a_count_that_must_be_none_spoils_the_report() {
        let mut report = Report::new(1, "SQLite");
        let mut outcome = Outcome::new("online", "2 pairs");
        outcome.figure("rate", "per second", 5.0, 0);
        outcome.none("lost", "lost", 0);
        report.add(vec![outcome.clone()]);
        assert!(report.is_clean());
        outcome.none("duplicates", "duplicates", 1);
        report.add(vec![outcome]);
        assert!(!report.is_clean());
        assert!(report.table().contains("per second"));
        let lines = report.json_lines();
        let last: Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
        assert_eq!(
            (&last["test"], &last["round"], &last["clean"]),
            (&json!("online"), &json!(2), &json!(false))
        );
    }
}
