//! From values to places along a chart's side: linear, or logarithmic where the spread asks for it, with ticks at round numbers.

/// An axis, horizontal or (with the low end's place below the high end's) vertical.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Axis {
    low: f64,
    high: f64,
    left: f64,
    right: f64,
    logarithmic: bool,
}

/// Where the largest value is this many times the smallest, equal ratios get equal lengths.
const SPREAD: f64 = 4.0;

impl Axis {
    /// From `low` to `high` between `left` and `right` pixels.
    pub fn new(low: f64, high: f64, left: f64, right: f64) -> Axis {
        let logarithmic = low > 0.0 && high / low >= SPREAD;
        let high = if high > low { high } else { low + low.abs().max(1e-9) };
        Axis { low, high, left, right, logarithmic }
    }

    /// The same, never logarithmic: for time.
    pub fn linear(low: f64, high: f64, left: f64, right: f64) -> Axis {
        Axis { logarithmic: false, ..Axis::new(low, high, left, right) }
    }

    pub fn is_logarithmic(&self) -> bool {
        self.logarithmic
    }

    /// The place of a value; what lies beyond an end is put at the end.
    pub fn place(&self, value: f64) -> f64 {
        let share = if self.logarithmic {
            (value.max(self.low) / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        self.left + share.clamp(0.0, 1.0) * (self.right - self.left)
    }

    /// Round numbers on the axis, at most about `most` of them and none nearer to another than they can be read.
    pub fn ticks(&self, most: usize) -> Vec<f64> {
        if self.logarithmic { self.logarithmic_ticks(most) } else { self.linear_ticks(most) }
    }

    fn linear_ticks(&self, most: usize) -> Vec<f64> {
        let rough = (self.high - self.low) / most.max(1) as f64;
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|times| times * power).into_iter().find(|step| *step >= rough);
        let step = step.unwrap_or(10.0 * power);
        let first = (self.low / step - 1e-6).ceil() as i64;
        let last = (self.high / step + 1e-6).floor() as i64;
        (first..=last).take(50).map(|n| n as f64 * step).collect()
    }

    fn logarithmic_ticks(&self, most: usize) -> Vec<f64> {
        for times in [&[1.0, 1.5, 2.0, 3.0, 5.0, 7.0][..], &[1.0, 2.0, 5.0], &[1.0, 3.0], &[1.0]] {
            let first = self.low.log10().floor() as i32;
            let last = self.high.log10().ceil() as i32;
            let all = (first..=last).flat_map(|power| times.iter().map(move |t| t * 10_f64.powi(power)));
            let ticks: Vec<f64> = all.filter(|t| *t >= self.low * 0.999 && *t <= self.high * 1.001).collect();
            if ticks.len() <= most || times.len() == 1 {
                return ticks;
            }
        }
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_spread_is_logarithmic_and_a_narrow_one_is_not() {
        assert!(Axis::new(1.0, 14.0, 0.0, 100.0).is_logarithmic());
        assert!(!Axis::new(0.95, 1.3, 0.0, 100.0).is_logarithmic());
        assert!(!Axis::new(0.0, 1e9, 0.0, 100.0).is_logarithmic());
    }

    #[test]
    fn ticks_are_round_and_few() {
        let near = |ticks: Vec<f64>| ticks.iter().map(|t| (t * 1e6).round() / 1e6).collect::<Vec<_>>();
        assert_eq!(near(Axis::new(0.97, 1.22, 0.0, 1.0).ticks(5)), [1.0, 1.05, 1.1, 1.15, 1.2]);
        assert_eq!(near(Axis::new(0.9, 16.0, 0.0, 1.0).ticks(6)), [1.0, 2.0, 5.0, 10.0]);
        assert!(Axis::new(3.0, 3.0, 0.0, 1.0).place(3.0).abs() < 1e-9);
    }
}
