//! Platforms of the contract as platforms of `regcarve-types`, and back.

use regcarve_types::Platform;

/// Writes a platform in the form of the contract.
pub fn platform_to_contract(platform: &Platform) -> crate::Platform {
    crate::Platform {
        os: platform.os().into(),
        architecture: platform.architecture().into(),
        variant: platform.variant().map(Into::into),
        os_version: platform.os_version().map(Into::into),
    }
}

/// Reads a platform of the contract; none if it is not made of the characters of platforms.
pub fn platform_from_contract(platform: &crate::Platform) -> Option<Platform> {
    Platform::new(
        &platform.os,
        &platform.architecture,
        platform.variant.as_deref(),
        platform.os_version.as_deref(),
    )
    .ok()
}
