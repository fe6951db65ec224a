//! Medians, spreads and ratios of a few measurements.

use serde::Serialize;

/// A summary of a row of measurements.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Summary {
    /// The middle one.
    pub median: f64,
    /// A quarter of them is smaller.
    pub lower_quartile: f64,
    /// A quarter of them is larger.
    pub upper_quartile: f64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
    /// How many there are.
    pub count: usize,
}

impl Summary {
    /// Sums up measurements; `None` if there are none.
    pub(crate) fn of(samples: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = samples.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        Some(Self {
            median: quantile(&sorted, 0.5),
            lower_quartile: quantile(&sorted, 0.25),
            upper_quartile: quantile(&sorted, 0.75),
            min: *sorted.first()?,
            max: *sorted.last()?,
            count: sorted.len(),
        })
    }

    /// Sums up the ratios of measurements that were made in the same round, so that a slow moment of
    /// the machine, which both felt, does not count.
    pub(crate) fn of_ratios(ours: &[f64], theirs: &[f64]) -> Option<Self> {
        Self::of(ours.iter().zip(theirs).map(|(our, their)| our / their))
    }
}

/// Between neighbours in proportion; 0 for no samples at all.
fn quantile(sorted: &[f64], part: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return 0.0;
    };
    let place = part * last as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    sorted[below] + (sorted[above] - sorted[below]) * (place - place.floor())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_quartiles() {
        let all = Summary::of([4.0, 1.0, 2.0, 3.0]).unwrap();
        assert_eq!(
            (all.median, all.min, all.max, all.count),
            (2.5, 1.0, 4.0, 4)
        );
        assert_eq!((all.lower_quartile, all.upper_quartile), (1.75, 3.25));
        assert_eq!(Summary::of([7.0]).unwrap().upper_quartile, 7.0);
        assert_eq!(Summary::of([]), None);
    }

    #[test]
    fn ratios_are_taken_round_by_round() {
        // The machine was ten times slower in the second round: the ratio is the same.
        let ratio = Summary::of_ratios(&[1.0, 10.0, 1.0], &[2.0, 20.0]).unwrap();
        assert_eq!(
            (ratio.median, ratio.min, ratio.max, ratio.count),
            (0.5, 0.5, 0.5, 2)
        );
    }
}
