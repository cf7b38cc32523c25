//! What was measured, as a table and as JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::figures::{Summary, ratios};

/// All sections, and what they were measured on.
pub struct Report {
    machine: Vec<(&'static str, String)>,
    sections: Vec<Section>,
}

/// One comparison.
#[derive(Default)]
pub struct Section {
    title: String,
    /// How it was measured.
    notes: Vec<String>,
    series: Vec<Series>,
    ratios: Vec<Ratio>,
}

struct Series {
    name: String,
    unit: &'static str,
    values: Vec<f64>,
    target: Option<Target>,
}

struct Ratio {
    name: String,
    values: Vec<f64>,
    target: Option<Target>,
}

/// What a median should be.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    AtLeast(f64),
    AtMost(f64),
}

impl Target {
    fn is_met_by(self, median: f64) -> bool {
        match self {
            Target::AtLeast(bound) => median >= bound,
            Target::AtMost(bound) => median <= bound,
        }
    }

    fn print(self, median: f64) -> String {
        let (sign, bound) = match self {
            Target::AtLeast(bound) => ('≥', bound),
            Target::AtMost(bound) => ('≤', bound),
        };
        let verdict = if self.is_met_by(median) { "met" } else { "NOT MET" };
        format!("{sign} {bound} {verdict}")
    }
}

impl Section {
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    pub fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }

    /// Values of which each stands for a turn.
    pub fn series(&mut self, name: &str, unit: &'static str, values: &[f64]) {
        self.aimed_series(name, unit, values, None);
    }

    pub fn aimed_series(
        &mut self,
        name: &str,
        unit: &'static str,
        values: &[f64],
        target: Option<Target>,
    ) {
        self.series.push(Series { name: name.to_owned(), unit, values: values.to_vec(), target });
    }

    /// Values by those that were measured beside them.
    pub fn ratio(&mut self, name: &str, values: &[f64], by: &[f64], target: Option<Target>) {
        self.ratios.push(Ratio { name: name.to_owned(), values: ratios(values, by), target });
    }

    fn table(&self) -> String {
        let mut out = format!("\n{}\n", self.title);
        for note in &self.notes {
            let _ = writeln!(out, "  {note}");
        }
        let _ = writeln!(out, "  {:<46}{:>11}{:>11}{:>11}", "", "median", "min", "max");
        for Series { name, unit, values, target } in &self.series {
            line(&mut out, name, values, unit, *target);
        }
        for Ratio { name, values, target } in &self.ratios {
            line(&mut out, name, values, "×", *target);
        }
        out
    }

    fn json(&self) -> Value {
        let series = self.series.iter().map(|s| figure(&s.name, s.unit, &s.values, s.target));
        let ratios = self.ratios.iter().map(|r| figure(&r.name, "ratio", &r.values, r.target));
        json!({
            "title": self.title, "notes": self.notes,
            "figures": series.chain(ratios).collect::<Vec<_>>(),
        })
    }
}

impl Report {
    pub fn new(machine: Vec<(&'static str, String)>) -> Self {
        Self { machine, sections: Vec::new() }
    }

    /// Takes a section and prints it.
    pub fn add(&mut self, section: Section) {
        println!("{}", section.table());
        self.sections.push(section);
    }

    /// What it runs on.
    pub fn header(&self) -> String {
        let width = self.machine.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        let line = |(name, value): &(&str, String)| format!("{name:<width$}  {value}");
        self.machine.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    /// What became of the targets, and how to measure again.
    pub fn footer(&self) -> String {
        let mut verdicts = Vec::new();
        for section in &self.sections {
            let series = section.series.iter().map(|s| (&s.name, &s.values, s.target));
            let ratios = section.ratios.iter().map(|r| (&r.name, &r.values, r.target));
            for (name, values, target) in series.chain(ratios) {
                let (Some(target), Some(summary)) = (target, Summary::of(values)) else { continue };
                let (got, verdict) = (number(summary.median), target.print(summary.median));
                verdicts.push(format!("  {:<33} {name:<46}{got:>9}  {verdict}", section.title));
            }
        }
        format!("Targets\n{}\n\nAgain: {}", verdicts.join("\n"), command())
    }

    pub fn json(&self) -> Value {
        let machine: serde_json::Map<_, _> =
            self.machine.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        let sections: Vec<_> = self.sections.iter().map(Section::json).collect();
        json!({ "command": command(), "machine": machine, "sections": sections })
    }
}

fn line(out: &mut String, name: &str, values: &[f64], unit: &str, target: Option<Target>) {
    let Some(Summary { median, min, max }) = Summary::of(values) else { return };
    let verdict = target.map(|target| target.print(median)).unwrap_or_default();
    let cells = [median, min, max].map(number);
    let [median, min, max] = cells;
    let _ = writeln!(out, "  {name:<46}{median:>11}{min:>11}{max:>11}  {unit:<14}{verdict}");
}

fn figure(name: &str, unit: &str, values: &[f64], target: Option<Target>) -> Value {
    let summary = Summary::of(values);
    let target = target.zip(summary).map(|(target, summary)| {
        let (at_least, at_most) = match target {
            Target::AtLeast(bound) => (Some(bound), None),
            Target::AtMost(bound) => (None, Some(bound)),
        };
        json!({ "at_least": at_least, "at_most": at_most, "met": target.is_met_by(summary.median) })
    });
    json!({ "name": name, "unit": unit, "summary": summary, "values": values, "target": target })
}

/// Four digits, more or less.
fn number(value: f64) -> String {
    match value.abs() {
        1000.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        0.1.. => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

fn command() -> String {
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    format!("script/bench {}", arguments.join(" ")).trim_end().to_owned()
}
