//! What content is used as. One digest may be a layer of one manifest and a manifest of an index elsewhere.

use crate::raw::{ClosureEntry, Kind};

/// What a piece of content is for its image; often one of the two, seldom both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Uses {
    /// An index names it, or it is the top.
    pub manifest: bool,
    /// A manifest names it as its config or as a layer.
    pub blob: bool,
}

/// What each piece of a closure is used as, in the same order.
pub fn uses(contents: &[ClosureEntry]) -> Vec<Uses> {
    let mut all: Vec<Uses> = contents
        .iter()
        .map(|content| Uses {
            manifest: is_manifest(content.kind),
            blob: !is_manifest(content.kind),
        })
        .collect();
    for parent in contents
        .iter()
        .filter(|content| content.kind == Kind::Manifest)
    {
        for child in &parent.children {
            // Whatever it is elsewhere: a manifest has nothing but blobs.
            if let Some(uses) = all.get_mut(*child as usize) {
                uses.blob = true;
            }
        }
    }
    all
}

pub(crate) const fn is_manifest(kind: Kind) -> bool {
    matches!(kind, Kind::Index | Kind::Manifest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_that_is_a_layer_too() {
        let content = |kind, children: &[u32]| ClosureEntry {
            digest: String::new(),
            media_type: String::new(),
            size: 1,
            kind,
            platform: None,
            describes: None,
            children: children.into(),
        };
        let closure = [
            content(Kind::Index, &[1, 2]),
            content(Kind::Manifest, &[3, 2]),
            content(Kind::Manifest, &[3]),
            content(Kind::Config, &[]),
        ];
        let found: Vec<_> = uses(&closure)
            .iter()
            .map(|uses| (uses.manifest, uses.blob))
            .collect();
        let expected = [(true, false), (true, false), (true, true), (false, true)];
        assert_eq!(found, expected);
    }
}
