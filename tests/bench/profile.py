#!/usr/bin/env python3
"""Where the processor time of a run goes: system calls by kind, components, host.

    cargo build --release --locked && tests/bench/profile.py

Carves 183 of 2,000 images in memory, again and again, under `perf` (Debian: linux-perf) and `strace`, as superuser. Time is that of
both processors together. What Landlock takes is also in the lines of the calls that ask it. Options for `regcarve run`
may follow, such as `--sandbox off`.
"""

import collections
import re
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
PROGRAM, BENCH = (TOP / "target/release" / name for name in ("regcarve", "regcarve-bench"))
RUNS = 10
SAMPLES_A_SECOND = 15000

LANDLOCK = re.compile(r"landlock|^hook_|is_access_to_paths_allowed|collect_domain_accesses|current_check_")
SYSTEM_CALL = re.compile(r"(?:__x64_sys|__do_sys|ksys|vfs)_(\w+)$")
FRAME = re.compile(r"\s*[0-9a-f]+ (.*) \((.*)\)$")


def samples(data):
    """Each as its frames from the innermost on: symbol and file."""
    text = subprocess.run(["perf", "script", "-i", data, "-F", "ip,sym,dso"], capture_output=True, text=True, check=True).stdout
    for block in text.split("\n\n"):
        frames = [found.groups() for line in block.splitlines() if (found := FRAME.match(line))]
        if frames:
            yield frames


def part(frames):
    """What a sample is counted for."""
    for symbol, _ in reversed(frames):
        if call := SYSTEM_CALL.match(symbol):
            return call[1]
    symbol, file = frames[0]
    if "kernel" in file:
        return "page faults" if any("page_fault" in symbol for symbol, _ in frames) else "the rest of the kernel"
    # Code of shipped components is data of the program, without names; other components' has no file.
    if symbol == "[unknown]" or symbol.startswith("anon."):
        return "components"
    return "host" if Path(file).name == PROGRAM.name else "C library"


def main(options):
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        source, names = f"{folder}/source", f"{folder}/release.list"
        subprocess.run([BENCH, "make-storage", "--list", names, source], check=True, capture_output=True)
        outputs = (f"registry:{folder}/output-{number}" for number in range(1000))

        def run(*before):
            command = [*before, PROGRAM, "run", "--durability", "none", "--list", names, *options, f"registry:{source}", next(outputs)]
            return subprocess.run(command, check=True, capture_output=True, text=True).stderr

        parts, landlock, whole = collections.Counter(), collections.Counter(), 0.0
        for _ in range(RUNS):
            whole += float(re.search(r"([\d.]+) msec task-clock", run("perf", "stat", "-e", "task-clock"))[1])
            data = f"{folder}/perf.data"
            run("perf", "record", "--quiet", "-g", "-F", str(SAMPLES_A_SECOND), "-e", "cpu-clock", "-o", data)
            for frames in samples(data):
                parts[part(frames)] += 1
                landlock[part(frames)] += any(LANDLOCK.search(symbol) for symbol, _ in frames)
        counts = collections.Counter()
        log = f"{folder}/strace"
        run("strace", "--follow-forks", "--summary-only", "--summary-columns=calls,name", "--output", log)
        for line in Path(log).read_text().splitlines():
            if found := re.match(r"\s*(\d+)\s+(\w+)$", line):
                counts[found[2]] = int(found[1])
    total = sum(parts.values())
    milliseconds = whole / RUNS / total
    print(f"{whole / RUNS:.1f} ms of processor time, of which Landlock {sum(landlock.values()) * milliseconds:.1f} ms\n")
    print("| part | ms | share | of it Landlock, ms | calls |\n|---|---|---|---|---|")
    rest = 0
    for name, count in parts.most_common():
        if count < total / 200:
            rest += count
            continue
        kind = f"`{name}`" if name in counts else name
        watched = f"{landlock[name] * milliseconds:.1f}" if landlock[name] else ""
        print(f"| {kind} | {count * milliseconds:.1f} | {count / total:.0%} | {watched} | {counts[name] or ''} |")
    print(f"| everything else | {rest * milliseconds:.1f} | {rest / total:.0%} | | |")


main(sys.argv[1:])
