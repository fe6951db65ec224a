//! A small and strict client of a registry's HTTP API.
//!
//! It answers bytes and headers as they came, so that a test can compare them, and says what the
//! server said when it refuses.

use std::fmt::Display;
use std::time::Duration;

use serde_json::Value;
use ureq::Agent;
use ureq::http::{Response, StatusCode};

use crate::digest::Digest;
use crate::media;

/// How long one request may take.
const REQUEST_LIMIT: Duration = Duration::from_secs(60);

/// Largest answer that is read; the corpus has nothing near it.
const ANSWER_LIMIT: u64 = 64 << 20;

/// Entries of the catalog in one answer: the server's own default maximum.
const PAGE: usize = 1000;

/// Speaks to one registry.
#[derive(Debug)]
pub struct Client {
    address: String,
    agent: Agent,
}

/// A manifest as a registry answered it.
#[derive(Clone, Debug)]
pub struct Served {
    /// The body.
    pub bytes: Vec<u8>,
    /// Header `Docker-Content-Digest`.
    pub digest: String,
    /// Header `Content-Type`.
    pub media_type: String,
}

impl Client {
    /// A client of the registry at `127.0.0.1:port`; nothing is sent yet.
    pub fn new(address: String) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(REQUEST_LIMIT))
            .build()
            .into();
        Self { address, agent }
    }

    /// `127.0.0.1:port`, for `docker://…` names of other clients.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Tells whether the registry answers at all.
    pub fn answers(&self) -> bool {
        let answer = self.agent.get(self.url("")).call();
        answer.is_ok_and(|answer| answer.status() == StatusCode::OK)
    }

    /// Every repository, in the order of the answer.
    pub fn catalog(&self) -> Result<Vec<String>, String> {
        let mut names: Vec<String> = Vec::new();
        loop {
            let last = names
                .last()
                .map(|name| format!("&last={name}"))
                .unwrap_or_default();
            let (_, value) = self.get_json(&format!("_catalog?n={PAGE}{last}"))?;
            let page = texts(&value["repositories"]);
            let full = page.len() == PAGE;
            names.extend(page);
            if !full {
                return Ok(names);
            }
        }
    }

    /// Every tag of a repository; none where the registry knows no tags of it.
    pub fn tags(&self, repository: &str) -> Result<Vec<String>, String> {
        let (status, value) = self.get_json(&format!("{repository}/tags/list"))?;
        match status {
            StatusCode::OK => Ok(texts(&value["tags"])),
            // A repository whose images have no tags has no folder for them either.
            StatusCode::NOT_FOUND => Ok(Vec::new()),
            status => Err(format!("tags of {repository}: {status} {value}")),
        }
    }

    /// The manifest under a tag or digest.
    pub fn get_manifest(&self, repository: &str, reference: &str) -> Result<Served, String> {
        let answer = self
            .agent
            .get(self.url(&format!("{repository}/manifests/{reference}")))
            .header("Accept", media::MANIFESTS.join(", "))
            .call();
        let (status, mut answer) = checked(answer)?;
        let header = |name| {
            let value = answer.headers().get(name)?;
            Some(value.to_str().ok()?.to_owned())
        };
        let digest = header("Docker-Content-Digest").unwrap_or_default();
        let media_type = header("Content-Type").unwrap_or_default();
        let bytes = body(&mut answer)?;
        if status == StatusCode::OK {
            Ok(Served {
                bytes,
                digest,
                media_type,
            })
        } else {
            Err(refused(
                format!("manifest {repository} {reference}"),
                status,
                &bytes,
            ))
        }
    }

    /// The bytes of a blob.
    pub fn get_blob(&self, repository: &str, digest: &Digest) -> Result<Vec<u8>, String> {
        let url = self.url(&format!("{repository}/blobs/{digest}"));
        let (status, mut answer) = checked(self.agent.get(url).call())?;
        let bytes = body(&mut answer)?;
        if status == StatusCode::OK {
            Ok(bytes)
        } else {
            Err(refused(
                format!("blob {repository} {digest}"),
                status,
                &bytes,
            ))
        }
    }

    /// Tells whether a repository can serve a blob.
    pub fn has_blob(&self, repository: &str, digest: &Digest) -> Result<bool, String> {
        let url = self.url(&format!("{repository}/blobs/{digest}"));
        let (status, _) = checked(self.agent.head(url).call())?;
        Ok(status == StatusCode::OK)
    }

    /// Puts a manifest under a tag or digest.
    pub fn put_manifest(
        &self,
        repository: &str,
        reference: &str,
        media_type: &str,
        bytes: &[u8],
    ) -> Result<(), String> {
        let answer = self
            .agent
            .put(self.url(&format!("{repository}/manifests/{reference}")))
            .header("Content-Type", media_type)
            .send(bytes);
        expect_created(&format!("put manifest {repository} {reference}"), answer)
    }

    /// Puts a blob under the name `digest`, which may be a sha512, in one piece.
    pub fn put_blob(&self, repository: &str, digest: &Digest, bytes: &[u8]) -> Result<(), String> {
        let location = self.start_upload(repository)?;
        let join = if location.contains('?') { '&' } else { '?' };
        let answer = self
            .agent
            .put(format!("{location}{join}digest={digest}"))
            .header("Content-Type", media::OCTETS)
            .send(bytes);
        expect_created(&format!("put blob {repository} {digest}"), answer)
    }

    /// Starts an upload and answers where to send it; without more it stays in `_uploads`.
    pub fn start_upload(&self, repository: &str) -> Result<String, String> {
        let url = self.url(&format!("{repository}/blobs/uploads/"));
        let (status, mut answer) = checked(self.agent.post(url).send_empty())?;
        let location = answer
            .headers()
            .get("Location")
            .and_then(|value| value.to_str().ok());
        match location.map(str::to_owned) {
            Some(location) if status == StatusCode::ACCEPTED => Ok(location),
            _ => Err(refused("start an upload", status, &body(&mut answer)?)),
        }
    }

    fn get_json(&self, path: &str) -> Result<(StatusCode, Value), String> {
        let (status, mut answer) = checked(self.agent.get(self.url(path)).call())?;
        let bytes = body(&mut answer)?;
        let value = serde_json::from_slice(&bytes)
            .map_err(|error| refused(format!("{path}: {error}"), status, &bytes))?;
        Ok((status, value))
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}/v2/{path}", self.address)
    }
}

fn texts(list: &Value) -> Vec<String> {
    let members = list.as_array().map(Vec::as_slice).unwrap_or_default();
    members
        .iter()
        .filter_map(|text| text.as_str().map(str::to_owned))
        .collect()
}

type Answer = Response<ureq::Body>;

fn checked(answer: Result<Answer, ureq::Error>) -> Result<(StatusCode, Answer), String> {
    let answer = answer.map_err(|error| format!("request failed: {error}"))?;
    Ok((answer.status(), answer))
}

fn body(answer: &mut Answer) -> Result<Vec<u8>, String> {
    let reader = answer.body_mut().with_config().limit(ANSWER_LIMIT);
    reader
        .read_to_vec()
        .map_err(|error| format!("answer broke off: {error}"))
}

fn expect_created(what: &str, answer: Result<Answer, ureq::Error>) -> Result<(), String> {
    let (status, mut answer) = checked(answer)?;
    if status == StatusCode::CREATED {
        return Ok(());
    }
    Err(refused(what, status, &body(&mut answer)?))
}

fn refused(what: impl Display, status: StatusCode, body: &[u8]) -> String {
    format!("{what}: {status} {}", String::from_utf8_lossy(body).trim())
}
