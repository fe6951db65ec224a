//! `regcarve policy test`: test cases (images and the decisions expected on them), run without a registry; with
//! `--record`, such cases written from a real storage.

use anyhow::{Result, bail};

use super::engine;
use crate::cli::policy::Test;
use crate::commands::print;
use crate::error::Error;
use crate::inputs;
use crate::pipeline::session::restrict_all;

pub(crate) mod case;
mod record;
mod run;
mod verdict;

pub(super) fn test(args: &Test) -> Result<()> {
    let policy = args.policy.as_ref();
    if let (Some(source), Some(policy)) = (&args.record, policy) {
        return record::record(args, source, policy);
    }
    if policy.is_some_and(|policy| policy.settings.is_some()) {
        bail!(Error::Usage(
            "cannot use settings in --policy: each case has its own settings".into(),
        ));
    }
    let files = inputs::files_below(&args.cases, "json")?;
    let engine = engine(&args.components)?;
    let policy = policy.map(|policy| &policy.component);
    let load = |file| run::load(&engine, file, policy, args.components.require_pins);
    let loaded = files.into_iter().map(load).collect::<Result<Vec<_>>>()?;
    restrict_all(args.components.sandbox)?;
    let mut tally = run::Tally::default();
    for file in &loaded {
        run::run(file, &mut tally)?;
    }
    let run::Tally { passed, failed } = tally;
    print(&format!("{passed} passed, {failed} failed"))?;
    match (passed, failed) {
        (0, 0) => bail!(Error::Usage(format!(
            "there are no cases in {}",
            args.cases.display()
        ))),
        (_, 0) => Ok(()),
        _ => bail!(Error::NotWhole {
            summary: format!("the policy failed {failed} of {} cases", passed + failed),
            exit_code: 5,
        }),
    }
}
