"""Checks a file that `sbom.py` wrote: it is CycloneDX, lists exactly what `cargo tree` shows, and says of each crate where it is
from and under which licence."""

import json
import sys

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from crates import BUILDS, linked

text = open(sys.argv[1], encoding="utf-8").read()
wrong = []
if (error := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)) is not None:
    wrong.append(f"not CycloneDX: {error}")
bom = json.loads(text)
rows = [bom["metadata"]["component"], *bom["components"]]
listed = [(row["name"], row["version"]) for row in rows]
expected = set().union(*(linked(build) for build in BUILDS))
if len(set(listed)) != len(listed):
    wrong.append("a crate is listed twice")
wrong += [f"{name} {version} is linked and not listed" for name, version in sorted(expected - set(listed))]
wrong += [f"{name} {version} is listed and not linked" for name, version in sorted(set(listed) - expected)]
for row in rows:
    name, version = row["name"], row["version"]
    if row.get("purl") != f"pkg:cargo/{name}@{version}":
        wrong.append(f"{name} {version} has the purl {row.get('purl')}")
    if not all(entry.get("expression") or entry["license"].get("id") for entry in row.get("licenses") or [{"license": {}}]):
        wrong.append(f"{name} {version} has no licence that SPDX knows")
for line in wrong:
    print(f"{sys.argv[1]}: {line}", file=sys.stderr)
print(f"{sys.argv[1]}: {len(rows)} crates, {len(wrong)} problems")
sys.exit(bool(wrong))
