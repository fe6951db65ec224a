//! Attacks: WASI gives a component nothing to read, nobody to talk to and no way to tell two runs apart.

use std::hash::{BuildHasher as _, RandomState};
use std::io::Read as _;
use std::net::{TcpListener, TcpStream, ToSocketAddrs as _, UdpSocket};
use std::time::{SystemTime, UNIX_EPOCH};
use std::{env, fs};

use regcarve_policy_kit::policy::{Decision, Image};

fn decide(_: &str, images: &[Image]) -> Result<Vec<Decision>, String> {
    let mut input = String::new();
    let holes = [
        ("arguments", env::args().next().is_some()),
        ("environment", env::vars().next().is_some()),
        (
            "input",
            std::io::stdin()
                .read_to_string(&mut input)
                .is_ok_and(|length| length > 0),
        ),
        ("root folder", fs::read_dir("/").is_ok()),
        ("current folder", fs::read_dir(".").is_ok()),
        ("files", fs::read("/etc/hostname").is_ok()),
        ("writing", fs::write("/tmp/regcarve-breach", "x").is_ok()),
        (
            "names",
            ("localhost", 80)
                .to_socket_addrs()
                .is_ok_and(|mut found| found.next().is_some()),
        ),
        ("connections", TcpStream::connect("127.0.0.1:80").is_ok()),
        ("listening", TcpListener::bind("127.0.0.1:0").is_ok()),
        ("datagrams", UdpSocket::bind("127.0.0.1:0").is_ok()),
    ];
    match holes.iter().find(|(_, open)| *open) {
        Some((what, _)) => Err(format!("BREACH: it has {what}")),
        None => {
            // The same in every run; the test compares two.
            let random = RandomState::new().hash_one(0);
            let now = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default()
                .as_secs();
            Ok(images
                .iter()
                .map(|_| Decision::Drop(format!("random {random}, now {now}")))
                .collect())
        }
    }
}

regcarve_test_programs::policy!(decide);
