//! Publishing several outputs: all of them or none.

use super::{Durability, Staging};
use crate::error::Error;

/// Gives every output its name. If one fails, those that have theirs lose it again.
pub fn publish_all<'s>(
    stagings: impl IntoIterator<Item = &'s mut Staging>,
    durability: Durability,
) -> Result<(), Error> {
    let mut published = Vec::new();
    for staging in stagings {
        if let Err(error) = staging.publish(durability) {
            rollback_all(published);
            return Err(error);
        }
        published.push(staging);
    }
    Ok(())
}

/// Takes the names from all outputs again, because the run failed after all.
pub fn rollback_all<'s>(stagings: impl IntoIterator<Item = &'s mut Staging>) {
    for staging in stagings {
        staging.rollback();
    }
}
