//! Lets several ways of doing a thing run in turns.
//!
//! In each round every contestant runs once, in an order drawn by lot: noise of the machine hits all alike, and nobody
//! always follows the same neighbour, who leaves the processor's caches full of what he needed himself. That is a
//! twentieth of a run of 50 ms. The lots are the same each time. Slow ones may leave after a few rounds.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use fastrand::Rng;

/// The time and memory of one run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taken {
    /// The time that counts.
    pub seconds: f64,
    /// Largest resident memory in bytes.
    pub peak: u64,
    /// Another time of the same run that gets a row of its own.
    pub also: Option<f64>,
}

/// How one run ended.
pub(crate) enum Attempt {
    /// It did what it should.
    Done(Taken),
    /// The program cannot do this yet; its own words.
    Unsupported(String),
}

/// One way of doing the thing.
pub(crate) struct Contestant<'a> {
    /// Name of its row.
    pub name: String,
    /// Name of the row of [`Taken::also`].
    pub also: Option<String>,
    /// A remark on its row.
    pub note: String,
    /// In how many rounds it takes part.
    pub rounds: usize,
    /// True if it runs once unmeasured before the first round.
    pub warm_up: bool,
    /// Prepares what it needs, does the thing and measures only that.
    pub run: Box<dyn FnMut() -> Result<Attempt> + 'a>,
}

/// All measurements of one contestant.
#[derive(Clone, Debug)]
pub(crate) struct Lane {
    /// Name of the contestant.
    pub name: String,
    /// A remark on it.
    pub note: String,
    /// Seconds, one a round from the first round on.
    pub seconds: Vec<f64>,
    /// Largest resident memory of all runs in bytes, where it was measured.
    pub peak: Option<u64>,
}

/// Lanes in the order of the contestants, and a line for each contestant that was left out.
pub(crate) struct Outcome {
    /// Everything measured.
    pub lanes: Vec<Lane>,
    /// Why some are missing.
    pub skipped: Vec<String>,
}

/// Runs everything. A contestant that cannot do it is left out; one that fails ends the race.
pub(crate) fn race(contestants: Vec<Contestant<'_>>) -> Result<Outcome> {
    let (mut running, skipped) = warm_up(contestants)?;
    let rounds = running.iter().map(|c| c.rounds).max().unwrap_or(0);
    let mut taken: BTreeMap<usize, Vec<Taken>> = BTreeMap::new();
    let mut order: Vec<usize> = (0..running.len()).collect();
    let mut lots = Rng::with_seed(0);
    for round in 0..rounds {
        lots.shuffle(&mut order);
        for &index in &order {
            let contestant = &mut running[index];
            if round >= contestant.rounds {
                continue;
            }
            let attempt = (contestant.run)().with_context(|| contestant.name.clone())?;
            if let Attempt::Done(this) = attempt {
                taken.entry(index).or_default().push(this);
            }
        }
    }
    let mut lanes = Vec::new();
    for (index, contestant) in running.into_iter().enumerate() {
        let taken = taken.remove(&index).unwrap_or_default();
        let also: Vec<f64> = taken.iter().filter_map(|taken| taken.also).collect();
        lanes.push(Lane {
            name: contestant.name,
            note: contestant.note,
            seconds: taken.iter().map(|taken| taken.seconds).collect(),
            peak: taken
                .iter()
                .map(|taken| taken.peak)
                .max()
                .filter(|peak| *peak > 0),
        });
        if let Some(name) = contestant.also {
            lanes.push(Lane {
                name,
                note: String::new(),
                seconds: also,
                peak: None,
            });
        }
    }
    Ok(Outcome { lanes, skipped })
}

/// The unmeasured first runs; finds out who can take part.
fn warm_up(contestants: Vec<Contestant<'_>>) -> Result<(Vec<Contestant<'_>>, Vec<String>)> {
    let mut running = Vec::new();
    let mut skipped = Vec::new();
    for mut contestant in contestants {
        if contestant.warm_up {
            let attempt = (contestant.run)().with_context(|| contestant.name.clone())?;
            if let Attempt::Unsupported(words) = attempt {
                skipped.push(format!("skipped: {}: {words}", contestant.name));
                continue;
            }
        }
        running.push(contestant);
    }
    Ok((running, skipped))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    #[test]
    fn nobody_always_follows_the_same() {
        let order = RefCell::new(Vec::new());
        let contestant = |name: usize| Contestant {
            name: name.to_string(),
            also: None,
            note: String::new(),
            rounds: 11,
            warm_up: false,
            run: Box::new({
                let order = &order;
                move || {
                    order.borrow_mut().push(name);
                    Ok(Attempt::Done(Taken {
                        seconds: 1.0,
                        peak: 0,
                        also: None,
                    }))
                }
            }),
        };
        race((0..6).map(contestant).collect()).unwrap();
        for one in 0..6 {
            let order = order.borrow();
            let before: std::collections::BTreeSet<_> = order
                .windows(2)
                .filter(|pair| pair[1] == one)
                .map(|pair| pair[0])
                .collect();
            assert!(before.len() >= 4, "{one} only follows {before:?}");
        }
    }

    #[test]
    fn turns_change_and_the_slow_leave() {
        let order = RefCell::new(String::new());
        let contestant = |name: char, rounds, able: bool| Contestant {
            name: name.to_string(),
            also: None,
            note: String::new(),
            rounds,
            warm_up: true,
            run: Box::new({
                let order = &order;
                move || {
                    order.borrow_mut().push(name);
                    let taken = Taken {
                        seconds: 1.0,
                        peak: 0,
                        also: None,
                    };
                    Ok(match able {
                        true => Attempt::Done(taken),
                        false => Attempt::Unsupported("no".into()),
                    })
                }
            }),
        };
        let all = vec![
            contestant('a', 3, true),
            contestant('x', 3, false),
            contestant('b', 3, true),
            contestant('c', 1, true),
        ];
        let outcome = race(all).unwrap();
        assert_eq!(outcome.skipped, ["skipped: x: no"]);
        let order = order.into_inner();
        let ran = |rounds: std::ops::Range<usize>| {
            let mut names: Vec<_> = order[rounds].chars().collect();
            names.sort_unstable();
            names.into_iter().collect::<String>()
        };
        assert_eq!(order[..4], *"axbc");
        assert_eq!([ran(4..7), ran(7..9), ran(9..11)], ["abc", "ab", "ab"]);
        let counts: Vec<_> = outcome
            .lanes
            .iter()
            .map(|lane| lane.seconds.len())
            .collect();
        assert_eq!(counts, [3, 3, 1]);
    }
}
