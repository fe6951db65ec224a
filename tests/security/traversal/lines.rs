//! Hostile lines of a list: a second grammar decides the same on each, and none becomes a path that leads out.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use fastrand::Rng;
use regcarve_test_support::binary::{Runs as _, regcarve};
use regcarve_test_support::tools::{self, long_or};

use super::{Guarded, breaches, guarded_storage};

const GRAMMAR: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../tests/oracles/reference/grammar.py"
);

const HEX: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// Lines chosen by hand.
fn known() -> Vec<String> {
    let lengths = [1, 127, 128, 129, 254, 255, 256, 257, 4_096, 1 << 20];
    let mut lines: Vec<String> = [
        "../../etc/passwd:v1",
        "team/../app:v1",
        "./team/app:v1",
        "team/./app:v1",
        "team//app:v1",
        "team/app/:v1",
        "team/app:..",
        "team/app:.",
        "team/app:../v1",
        "team/app:v1/../v2",
        "team/app:v1/",
        "/etc/passwd:v1",
        "//a:v1",
        "team/app",
        "team/app:",
        ":v1",
        "@",
        ":",
        "team/app@",
        "team/app@sha256",
        "team/app@sha256:",
        "team/app:v1@",
        "team\\app:v1",
        "..\\..\\app:v1",
        "%2e%2e/app:v1",
        "team/%2e%2e/app:v1",
        "team%2fapp:v1",
        "team/app%00:v1",
        "Team/App:v1",
        "team/APP:v1",
        "team/app:V1",
        "TEAM/app:v1",
        "team/app:v1:v2",
        "team/app:v1@v2",
        "team/_layers:v1",
        "team/app/_manifests/tags/v1:v1",
        "_uploads:v1",
        "team/app/_layers/sha256:v1",
        "team/-app:v1",
        "team/app-:v1",
        "team/a--b:v1",
        "team/a__b:v1",
        "team/a___b:v1",
        "team/a._b:v1",
        "team/a..b:v1",
        "team/.app:v1",
        "team/app.:v1",
        "team/a_.b:v1",
        "team/app:-v1",
        "team/app:.v1",
        "team/app:_v1",
        "team/app:v1-",
        "localhost:5000/app:v1",
        "registry.example/app:v1",
        "registry.example:443/app:v1",
        "[::1]:5000/app:v1",
        "http://host/app:v1",
        "docker://app:v1",
        "oci:/etc:v1",
        "user@host/app:v1",
        "a/b/c/d/e/f/g/h/i:v1",
        "te\u{430}m/app:v1",
        "team/\u{ff41}pp:v1",
        "team/app\u{2215}x:v1",
        "team\u{2044}app:v1",
        "team/app\u{200b}:v1",
        "team/app:v\u{0661}",
        "\u{202e}team/app:v1",
        "team/app:v1\u{feff}",
        "t\u{e9}am/app:v1",
        "te\u{301}am/app:v1",
        "team/app\u{85}:v1",
        "team/app\u{a0}v1",
        "team/app:v1\u{3000}#x",
        "team/app:v1\u{1c}",
        "\u{1f}team/app:v1",
        "team/app:v1 team/other:v1",
        "team/app:v1#x",
        "team/app:v1 #x",
        "# team/app:v1",
        " \t#",
        "#",
        "",
        "team/app:v1\t",
        "  team/app:v1  ",
        "team/app: v1",
        "team /app:v1",
        "team/app:v1\r",
        "\rteam/app:v1",
        "team/app:v1\u{1b}[2J",
        "\u{7}team/app:v1",
        "team/app:\u{7f}v1",
        "team/app:v1;rm -rf /",
        "$(id):v1",
        "`id`:v1",
        "con:v1",
        "nul:v1",
        "aux/prn:v1",
        "team/app:CON",
        "~root/app:v1",
        "~/app:v1",
        "-:v1",
        "--all:v1",
        "-v:1",
        "team/app:*",
        "team/*:v1",
        "**/app:v1",
        "te?m/app:v1",
        "team/[a-z]*:v1",
        "{a,b}:v1",
        "../*:v1",
        "**/../*:v1",
    ]
    .map(str::to_owned)
    .into();
    for (algorithm, good) in [("sha256", 64), ("sha384", 96), ("sha512", 128)] {
        let digits = HEX.repeat(2);
        for length in [0, 1, good - 1, good, good + 1] {
            lines.push(format!("team/app@{algorithm}:{}", &HEX.repeat(3)[..length]));
        }
        let digits = &digits[..good];
        for digest in [
            format!("{algorithm}:{}", digits.to_uppercase()),
            format!("{}:{digits}", algorithm.to_uppercase()),
            format!("{algorithm}-{digits}"),
            format!("{algorithm}:{}g", &digits[1..]),
            format!("{algorithm}:../../{}", &digits[6..]),
            format!("{algorithm}:{digits}\u{661}"),
            format!("{algorithm}+b64:{digits}"),
            format!("md5:{digits}"),
        ] {
            lines.push(format!("team/app@{digest}"));
            lines.push(format!("team/app:v1@{digest}"));
        }
    }
    for length in lengths {
        lines.push(format!("{}:v1", "n".repeat(length)));
        lines.push(format!("team/app:{}", "t".repeat(length)));
        lines.push(format!("{}x:v1", "a/".repeat(length / 2)));
        lines.push(format!("a{}b:v1", "-".repeat(length)));
    }
    lines
}

/// A line made of good parts and bad ones, mostly near what is allowed.
fn made(rng: &mut Rng) -> String {
    const PARTS: [&str; 46] = [
        "team", "app", "a", "9", "v1", "x1", "latest", "/", "/", "/", ":", ":", ":", "@", ".", "_",
        "__", "___", "-", "--", "..", "./", "../", "//", "\\", "%2e", "%", " ", "\t", "#", " #",
        "A", "Z", "é", "а", "\u{200b}", "\u{661}", "\u{1b}", "\u{7f}", "\u{85}", "\u{2028}",
        "sha256:", "sha512:", HEX, "=", "+",
    ];
    let mut line = match rng.u8(0..3) {
        0 => String::new(),
        1 => "team/app:v1".to_owned(),
        _ => format!("team/app@sha256:{HEX}"),
    };
    for _ in 0..rng.usize(1..6) {
        let part = PARTS[rng.usize(..PARTS.len())];
        let places: Vec<usize> = line
            .char_indices()
            .map(|(at, _)| at)
            .chain([line.len()])
            .collect();
        let at = places[rng.usize(..places.len())];
        match (rng.u8(0..4), line[at..].chars().next()) {
            // Takes a letter out, or puts something in.
            (0, Some(_)) => drop(line.remove(at)),
            _ => line.insert_str(at, part),
        }
    }
    line
}

/// The verdict of the second grammar on each line.
fn by_grammar(list: &Path) -> Vec<u8> {
    let done = Command::new("python3")
        .arg(GRAMMAR)
        .arg(list)
        .output()
        .expect("start python3");
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    done.stdout.trim_ascii_end().to_vec()
}

#[test]
fn hostile_lines_are_refused_where_a_second_grammar_refuses_them() {
    if !tools::require(&["python3", "strace"]) {
        return;
    }
    let guarded = guarded_storage();
    let mut rng = Rng::with_seed(7);
    let mut lines = known();
    let count = long_or(50_000, 10_000);
    lines.extend((0..count).map(|_| made(&mut rng)));
    let list = guarded.path("hostile.list");
    fs::write(&list, lines.join("\n") + "\n").unwrap();
    let verdicts = by_grammar(&list);
    assert_eq!(verdicts.len(), lines.len());

    let trace = guarded.path("trace");
    let outcome = Command::new("strace")
        .args([
            "-f",
            "-qq",
            "-s",
            "2000",
            "-e",
            "trace=openat2,openat,open,linkat,mkdirat,readlinkat,statx,newfstatat",
            "-o",
        ])
        .arg(&trace)
        .arg(regcarve().get_program())
        .args(["run", "--list"])
        .arg(&list)
        .args([guarded.source(), guarded.spec("registry:output")])
        .stdin(Stdio::null())
        .reported();
    outcome.assert_no_panic();
    assert!([3, 4].contains(&outcome.code), "exit code {}", outcome.code);
    assert_eq!(breaches(&guarded, &outcome.stderr), Vec::<String>::new());

    let mut refused = vec![false; lines.len()];
    let start = format!("{}:", list.display());
    for row in outcome.report()["missing"].as_array().unwrap() {
        let line = row["from"]
            .as_str()
            .unwrap()
            .strip_prefix(&start)
            .expect("a line of the list");
        let line: usize = line.parse().unwrap();
        refused[line - 1] |= row["reference"] == "not a reference";
    }
    let mut differ = Vec::new();
    let mut counts = std::collections::BTreeMap::<char, usize>::new();
    for ((line, verdict), refused) in lines.iter().zip(&verdicts).zip(refused) {
        *counts.entry(char::from(*verdict)).or_default() += 1;
        // Patterns have a grammar of their own, and asking for nothing is never wrong.
        if *verdict != b'?' && refused != (*verdict == b'n') {
            let start: String = line.chars().take(200).collect();
            differ.push(format!(
                "{start:?}: the grammar says {:?}, refused: {refused}",
                char::from(*verdict)
            ));
        }
    }
    println!("{} lines, {counts:?}, {} differ", lines.len(), differ.len());
    assert!(
        differ.is_empty(),
        "{} differ:\n{}",
        differ.len(),
        differ.join("\n")
    );
    assert!(counts[&'y'] > 500 && counts[&'n'] > 500, "{counts:?}");
    leads_nowhere(&fs::read_to_string(&trace).unwrap(), &guarded);
}

/// Every path that a call was given below a root has the form of one below a root; the others are those that were on the
/// command line, and those of the system.
fn leads_nowhere(trace: &str, guarded: &Guarded) {
    let ours = guarded.folder().to_str().unwrap();
    let mut below = 0;
    for line in trace.lines() {
        let Some(path) = line.split('"').nth(1) else {
            continue;
        };
        let by_handle = !line.contains("AT_FDCWD") && !path.starts_with('/');
        if by_handle {
            below += usize::from(path.contains("_manifests/"));
            let plain =
                |part: &str| !part.is_empty() && part != ".." && !part.contains(['\\', '%']);
            assert!(
                path.is_empty() || path == "." || path.split('/').all(plain),
                "{line}"
            );
            assert!(path.is_ascii() && path.len() <= 1024, "{line}");
        } else {
            assert!(
                !path.contains("/../")
                    && (!path.starts_with(ours) || path.len() < ours.len() + 200),
                "{line}"
            );
        }
    }
    assert!(below > 100, "the trace shows no paths of the storage");
}
