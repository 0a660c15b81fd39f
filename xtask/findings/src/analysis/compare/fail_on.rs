//! What is compared, and from which size on a change for the worse fails: `--fail-on 5%`, `--fail-on cpu=3%`.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// From here on a change for the worse fails where nothing else was asked for.
pub const DEFAULT_THRESHOLD: f64 = 0.05;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// CPU time per call, microseconds.
    Cpu,
    /// Bytes allocated per call on the JavaScript heap.
    #[serde(rename = "alloc")]
    Allocation,
    /// Mean latency, milliseconds.
    Latency,
    /// Milliseconds.
    P95,
    /// Milliseconds.
    P99,
    /// Calls a second.
    Throughput,
    /// Peak of the resident set, MiB.
    Memory,
}

impl Metric {
    pub const ALL: [Metric; 7] = [
        Metric::Cpu,
        Metric::Allocation,
        Metric::Latency,
        Metric::P95,
        Metric::P99,
        Metric::Throughput,
        Metric::Memory,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Metric::Cpu => "cpu",
            Metric::Allocation => "alloc",
            Metric::Latency => "latency",
            Metric::P95 => "p95",
            Metric::P99 => "p99",
            Metric::Throughput => "throughput",
            Metric::Memory => "memory",
        }
    }

    /// 1 where more is worse, -1 where less is.
    pub fn sign(self) -> f64 {
        if self == Metric::Throughput { -1.0 } else { 1.0 }
    }

    /// How much worse a ratio of new over base is, as a share; negative is better.
    pub fn worse_by(self, ratio: f64) -> f64 {
        self.sign() * (ratio - 1.0)
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One `--fail-on`: a threshold for all metrics, or one for a single metric; `off` for none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rule {
    pub metric: Option<Metric>,
    pub threshold: Option<f64>,
}

impl FromStr for Rule {
    type Err = String;

    fn from_str(text: &str) -> Result<Rule, String> {
        let bad = |why: String| format!("--fail-on {text:?}: {why}");
        let (metric, size) = match text.split_once('=') {
            None => (None, text),
            Some((name, size)) => {
                let name = name.trim().to_lowercase();
                let named = Metric::ALL.into_iter().find(|metric| metric.name() == name);
                let metric = named.or_else(|| (name == "mean").then_some(Metric::Latency));
                let known = || Metric::ALL.map(Metric::name).join(", ");
                (Some(metric.ok_or_else(|| bad(format!("there is no metric {name:?}; there are {}", known())))?), size)
            }
        };
        let size = size.trim();
        if size == "off" {
            return Ok(Rule { metric, threshold: None });
        }
        let percent = size.strip_suffix('%').ok_or_else(|| bad("the size is a percentage, as in 5%".to_owned()))?;
        let percent: f64 = percent
            .trim()
            .parse()
            .map_err(|_| bad(format!("{percent:?} is not a number; write it as in 5% or 2.5%")))?;
        if !(0.0..=1000.0).contains(&percent) {
            return Err(bad("the size is between 0% and 1000%".to_owned()));
        }
        Ok(Rule { metric, threshold: Some(percent / 100.0) })
    }
}

/// From which size on a change for the worse fails, for each metric.
#[derive(Debug, Clone, PartialEq)]
pub struct FailOn {
    all: Option<f64>,
    of: BTreeMap<Metric, Option<f64>>,
}

impl FailOn {
    /// Nothing fails.
    pub fn off() -> FailOn {
        FailOn { all: None, of: BTreeMap::new() }
    }
}

impl Default for FailOn {
    fn default() -> FailOn {
        FailOn { all: Some(DEFAULT_THRESHOLD), of: BTreeMap::new() }
    }
}

impl FailOn {
    /// The rules as given, the later ones over the earlier ones. A metric that isn't named keeps the threshold for
    /// all, which is 5% unless it is given.
    pub fn new(rules: impl IntoIterator<Item = Rule>) -> FailOn {
        rules.into_iter().fold(FailOn::default(), |mut fail_on, rule| {
            match rule.metric {
                None => fail_on.all = rule.threshold,
                Some(metric) => {
                    fail_on.of.insert(metric, rule.threshold);
                }
            }
            fail_on
        })
    }

    /// Of what was typed.
    ///
    /// # Errors
    /// One line that names what is wrong.
    pub fn parse(texts: &[String]) -> Result<FailOn, String> {
        Ok(FailOn::new(texts.iter().map(|text| text.parse()).collect::<Result<Vec<Rule>, String>>()?))
    }

    /// The threshold as a share: 0.05 is 5%. `None` where this metric can't fail.
    pub fn threshold(&self, metric: Metric) -> Option<f64> {
        self.of.get(&metric).copied().unwrap_or(self.all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fail_on(texts: &[&str]) -> Result<FailOn, String> {
        FailOn::parse(&texts.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn thresholds_for_all_and_for_one() {
        let none = fail_on(&[]).unwrap();
        assert_eq!(none.threshold(Metric::P99), Some(0.05));
        let some = fail_on(&["cpu=3%", "10%", "p99=15 %", "memory=off", "mean=2.5%", "alloc=1%"]).unwrap();
        assert_eq!(some.threshold(Metric::Cpu), Some(0.03));
        assert_eq!(some.threshold(Metric::P99), Some(0.15));
        assert_eq!(some.threshold(Metric::Throughput), Some(0.10));
        assert_eq!(some.threshold(Metric::Latency), Some(0.025));
        assert_eq!(some.threshold(Metric::Memory), None);
        assert_eq!(some.threshold(Metric::Allocation), Some(0.01));
        let only = fail_on(&["off", "cpu=3%"]).unwrap();
        assert_eq!((only.threshold(Metric::Cpu), only.threshold(Metric::Latency)), (Some(0.03), None));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, word) in [
            ("5", "percentage"),
            ("cpu", "percentage"),
            ("", "percentage"),
            ("speed=5%", "there is no metric \"speed\"; there are cpu, alloc, latency"),
            ("cpu=x%", "not a number"),
            ("-5%", "between 0% and 1000%"),
            ("NaN%", "between 0% and 1000%"),
        ] {
            let why = fail_on(&[text]).unwrap_err();
            assert!(why.contains(word), "{why}");
        }
    }

    #[test]
    fn a_lower_rate_is_worse_and_a_lower_time_is_better() {
        assert!((Metric::Throughput.worse_by(0.9) - 0.1).abs() < 1e-12);
        assert!((Metric::Cpu.worse_by(0.9) + 0.1).abs() < 1e-12);
    }
}
