//! Hostile guests: each component of `tests/programs` takes part in a run of `regcarve`, and each has a row here that
//! says how that must end.
//!
//! Whatever a guest does: the run ends within the guest's time and half a second more; the source is what it was, to
//! the inode and the microsecond; nothing is published that should not be, and no staging is left; memory stays below the guest's
//! limit and 128 MiB more; and what a person is told is short, free of control characters, and names the component and the
//! limit or the rule.

mod bombs;
mod case;
mod complete;
mod policies;
mod readers;
mod selectors;
mod storages;
mod writers;
