//! Storages as the command line names them.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::wasm::ComponentSpec;

/// `FORMAT:PATH`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageSpec {
    /// The component that knows the format.
    pub format: ComponentSpec,
    /// The root.
    pub path: PathBuf,
}

impl FromStr for StorageSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // A file as format may hold colons in its path and in its pin; the format ends behind both.
        let file_end = text.find(".wasm").map_or(0, |start| start + ".wasm".len());
        let pin_end = match text[file_end..].strip_prefix("@") {
            Some(pin) => file_end + 1 + pin.find(':').map_or(0, |colon| colon + 1),
            None => file_end,
        };
        let Some(colon) = text[pin_end..].find(':') else {
            return Err(format!("write FORMAT:PATH, for example registry:{text}"));
        };
        let (format, path) = (&text[..pin_end + colon], &text[pin_end + colon + 1..]);
        if format.is_empty() || path.is_empty() {
            return Err("write FORMAT:PATH, for example registry:/srv/registry".into());
        }
        if format.starts_with('/') && !format.ends_with(".wasm") && file_end == 0 {
            return Err(format!("write FORMAT:PATH, for example registry:{text}"));
        }
        let format = ComponentSpec::parse(format)
            .map_err(|error| format!("the pin of the format is no digest: {error}"))?;
        Ok(Self {
            format,
            path: path.into(),
        })
    }
}

impl fmt::Display for StorageSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.format, self.path.display())
    }
}

#[cfg(test)]
mod tests {
    use super::StorageSpec;

    #[test]
    fn forms() {
        let hex = "0".repeat(64);
        for (text, format, path) in [
            ("registry:/srv/registry", "registry", "/srv/registry"),
            ("dir:images:old", "dir", "images:old"),
            ("./flat.wasm:/srv/out", "./flat.wasm", "/srv/out"),
            (
                &format!("./flat.wasm@sha256:{hex}:/srv/out"),
                "./flat.wasm",
                "/srv/out",
            ),
        ] {
            let spec: StorageSpec = text.parse().unwrap();
            assert_eq!(spec.format.to_string(), format, "{text}");
            assert_eq!(spec.path.to_str(), Some(path), "{text}");
        }
        for bad in [
            "/srv/registry",
            "registry:",
            ":/srv",
            "./flat.wasm@sha256:12:/srv",
            "",
        ] {
            assert!(bad.parse::<StorageSpec>().is_err(), "{bad}");
        }
    }
}
