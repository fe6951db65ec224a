//! Any answer of a policy. Its bytes are the characters of its settings.

use regcarve_policy_kit::policy::{
    Decision, Diagnostic, Image, NewManifest, Policy, Rewritten, content,
};
use regcarve_policy_kit::schemars::JsonSchema;
use regcarve_policy_kit::serde::Deserialize;
use regcarve_policy_kit::{Level, Platform, log};
use regcarve_test_programs::bytes_of;
use regcarve_test_programs::wild::Wild;

#[derive(Deserialize, JsonSchema)]
#[serde(crate = "regcarve_policy_kit::serde")]
#[schemars(crate = "regcarve_policy_kit::schemars")]
struct Program {
    bytes: String,
}

fn platform(wild: &mut Wild<'_>) -> Platform {
    let platform = wild.platform();
    Platform {
        os: platform.os,
        architecture: platform.architecture,
        variant: platform.variant,
        os_version: platform.os_version,
    }
}

impl Policy for Program {
    const NAME: &'static str = "fuzz";
    const VERSION: &'static str = "1.0.0";
    const SUMMARY: &'static str = "Any answer.";

    fn prepare(&mut self) -> Result<(), Vec<Diagnostic>> {
        let bytes = bytes_of(&self.bytes);
        let wild = &mut Wild::new(&bytes);
        if wild.once_in(20) {
            return Err(wild.some(30, |wild| Diagnostic {
                path: wild.text(),
                message: wild.text(),
            }));
        }
        Ok(())
    }

    fn decide(&mut self, _: &str, _: &Image) -> Result<Decision, String> {
        Ok(Decision::Keep)
    }

    fn decide_all(&mut self, repository: &str, images: &[Image]) -> Result<Vec<Decision>, String> {
        let bytes = bytes_of(&self.bytes);
        let mut wild = Wild::new(&bytes[bytes.len().min(repository.len())..]);
        if wild.once_in(20) {
            return Err(wild.text());
        }
        if wild.once_in(20) {
            log(Level::Warn, &wild.text());
        }
        let mut decisions: Vec<_> = images
            .iter()
            .map(|image| decision(&mut wild, repository, image))
            .collect();
        if wild.once_in(20) {
            decisions.push(Decision::Keep);
        }
        Ok(decisions)
    }
}

fn decision(wild: &mut Wild<'_>, repository: &str, image: &Image) -> Decision {
    match wild.below(12) {
        0 | 1 => Decision::Keep,
        2 => Decision::Drop(wild.text()),
        3 => Decision::Missing(wild.text()),
        4 | 5 => {
            let tag = image.tag.as_deref().unwrap_or("v9");
            let name = format!("{repository}:{tag}");
            let other = wild.one_of(&["new/name:v1", "new/name:v2", "team/app:v1", &name]);
            Decision::Rename(wild.near(other.unwrap_or_default()))
        }
        6 | 7 => Decision::KeepPlatforms(wild.some(3, platform)),
        _ => Decision::Rewrite(rewritten(wild, image)),
    }
}

fn rewritten(wild: &mut Wild<'_>, image: &Image) -> Rewritten {
    let contents = content::closure(&image.digest).unwrap_or_default();
    let mut known: Vec<_> = contents
        .iter()
        .map(|content| content.digest.clone())
        .collect();
    known.push(image.digest.clone());
    let manifests = wild.some(3, |wild| {
        let instead_of = wild.digest(&known);
        let bytes = match wild.below(4) {
            0 => content::read_blob(&instead_of).unwrap_or_default(),
            1 => {
                let mut bytes = content::read_blob(&image.digest).unwrap_or_default();
                bytes.push(b'\n');
                bytes
            }
            2 => Vec::new(),
            _ => wild.text().into_bytes(),
        };
        NewManifest {
            media_type: wild.near(&image.media_type),
            bytes,
            instead_of,
        }
    });
    let contents = match wild.below(3) {
        0 => known,
        1 => wild.some(6, |wild| wild.digest(&known)),
        _ => known[known.len().min(1)..].to_vec(),
    };
    Rewritten {
        manifests,
        contents,
    }
}

regcarve_policy_kit::policy!(Program);
