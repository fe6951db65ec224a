//! `regcarve policy test`: cases of images and expected decisions, run without a registry; and with `--record`, such
//! cases written from a real storage.

use super::engine;
use crate::cli::Test;
use crate::commands::{print, session};
use crate::error::Error;

mod case;
mod record;
mod run;
mod verdict;

pub(super) fn test(args: &Test) -> Result<(), Error> {
    let policy = args.policy.as_ref();
    if let (Some(source), Some(policy)) = (&args.record, policy) {
        return record::record(&args.cases, source, &args.images, policy, &args.components);
    }
    if policy.is_some_and(|policy| policy.settings.is_some()) {
        return Err(Error::Usage(
            "each case has its own settings; leave them out of --policy".into(),
        ));
    }
    let files = session::files_below(&args.cases, "json")?;
    let engine = engine(&args.components)?;
    let policy = policy.map(|policy| &policy.component);
    let load = |file| run::load(&engine, file, policy, args.components.require_pins);
    let loaded = files.into_iter().map(load).collect::<Result<Vec<_>, _>>()?;
    session::fence(args.components.sandbox)?;
    let mut tally = run::Tally::default();
    for file in &loaded {
        run::run(file, &mut tally)?;
    }
    let run::Tally { passed, failed } = tally;
    print(&format!("{passed} passed, {failed} failed"))?;
    match (passed, failed) {
        (0, 0) => Err(Error::Usage(format!(
            "there are no cases in {}",
            args.cases.display()
        ))),
        (_, 0) => Ok(()),
        _ => Err(Error::NotWhole {
            summary: format!(
                "the policy decides otherwise in {failed} of {} cases",
                passed + failed
            ),
            exit_code: 5,
        }),
    }
}
