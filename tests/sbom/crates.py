"""Which crates are linked into what, as `cargo tree` shows it."""

import subprocess
from pathlib import Path
from typing import NamedTuple

TOP = Path(__file__).resolve().parents[2]


class Build(NamedTuple):
    """Packages that are built together, and the folder of their lock file."""

    packages: list[str]
    target: str
    folder: Path = TOP


def guests(folder):
    """Packages of the components that the program carries: those that its build script compiles."""
    for manifest in sorted(folder.glob("guest/*/*/Cargo.toml")):
        if manifest.parts[-3] in ("selectors", "layouts", "policies"):
            name = next(line for line in manifest.read_text().splitlines() if line.startswith("name = "))
            yield name.split('"')[1], manifest.parent


WASM = "wasm32-unknown-unknown"
OF_THE_WORKSPACE = [name for name, folder in guests(TOP) if not (folder / "Cargo.lock").exists()]
ALONE = [Build([name], WASM, folder) for name, folder in guests(TOP) if (folder / "Cargo.lock").exists()]
BUILDS = [Build(["regcarve"], "x86_64-unknown-linux-gnu"), Build(OF_THE_WORKSPACE, WASM), *ALONE]


def cargo(build, command, *arguments):
    asked = ["cargo", command, "--locked", *arguments]
    return subprocess.run(asked, cwd=build.folder, check=True, capture_output=True, text=True).stdout


def linked(build, macros=True):
    """Names and versions."""
    kinds = "normal" if macros else "normal,no-proc-macro"
    packages = [word for name in build.packages for word in ("--package", name)]
    flags = ["--edges", kinds, "--target", build.target, "--prefix", "none", "--format", "{p}"]
    lines = cargo(build, "tree", *flags, *packages).splitlines()
    words = [line.split() for line in lines if line]
    return {(word[0], word[1].removeprefix("v")) for word in words}
