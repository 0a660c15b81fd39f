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

    /// The same, always logarithmic; both ends are above 0.
    pub fn logarithmic(low: f64, high: f64, left: f64, right: f64) -> Axis {
        Axis { logarithmic: true, ..Axis::new(low, high, left, right) }
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
        // Over a short way a logarithm is nearly straight, and has too few ticks of its own.
        let wide = self.logarithmic && self.high / self.low >= SPREAD;
        if wide { self.logarithmic_ticks(most) } else { self.linear_ticks(most) }
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

/// An axis of ratios. Most of what matters lies near 1, and a library that takes 30 times as much would squeeze it to
/// nothing: where there is one, the axis is linear up to [`Ratios::KNEE`] and logarithmic beyond.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ratios {
    near: Axis,
    far: Option<Axis>,
}

impl Ratios {
    pub const KNEE: f64 = 2.0;
    /// Beyond this the axis gets its second part.
    const FAR: f64 = 3.0;
    /// The first part's share of the length.
    const NEAR: f64 = 0.64;

    /// `low` is below 1.
    pub fn new(low: f64, high: f64, left: f64, right: f64) -> Ratios {
        if high <= Ratios::FAR {
            return Ratios { near: Axis::new(low, high, left, right), far: None };
        }
        let middle = left + (right - left) * Ratios::NEAR;
        Ratios {
            near: Axis::linear(low, Ratios::KNEE, left, middle),
            far: Some(Axis::logarithmic(Ratios::KNEE, high, middle, right)),
        }
    }

    pub fn place(&self, value: f64) -> f64 {
        match self.far {
            Some(far) if value > Ratios::KNEE => far.place(value),
            _ => self.near.place(value),
        }
    }

    /// Where the logarithmic part begins and ends, if there is one.
    pub fn far(&self) -> Option<(f64, f64)> {
        self.far.map(|far| (far.left, far.right))
    }

    /// Round numbers, none nearer to another than `apart` pixels.
    pub fn ticks(&self, apart: f64) -> Vec<f64> {
        let mut ticks = self.near.ticks(4);
        for tick in self.far.iter().flat_map(|far| far.ticks(4)) {
            if ticks.last().is_none_or(|last| self.place(tick) - self.place(*last) >= apart) {
                ticks.push(tick);
            }
        }
        ticks
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

    #[test]
    fn a_distant_ratio_leaves_room_for_those_near_1() {
        let (alone, beside) = (Ratios::new(0.95, 1.4, 0.0, 250.0), Ratios::new(0.95, 40.0, 0.0, 250.0));
        assert_eq!(alone.far(), None);
        assert_eq!(beside.far(), Some((160.0, 250.0)));
        assert!(beside.place(1.1) - beside.place(1.0) > 12.0, "a tenth is seen");
        let places = [0.95, 1.0, 1.5, 2.0, 2.1, 5.0, 40.0].map(|ratio| beside.place(ratio));
        assert!(places.is_sorted_by(|a, b| a < b), "{places:?}");
        let ticks: Vec<f64> = beside.ticks(30.0).iter().map(|tick| (tick * 1e6).round() / 1e6).collect();
        assert_eq!(ticks, [1.0, 1.5, 2.0, 10.0]);
    }
}
