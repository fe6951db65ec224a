"""Writes what regcarve is built of as CycloneDX 1.6: the crates that are linked into the program, and those that are linked
into the components that it carries.

What is listed is what `cargo tree` shows, which knows the features that are really on; `cargo metadata` lists some optional
crates more. Its answers are used for what it knows better: licences and who depends on whom. Hashes are those of the lock
files. Macros run in the compiler, and so have the scope `excluded`.
"""

import json
import os
import sys
import tomllib
from datetime import datetime, timezone

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from crates import BUILDS, cargo, linked


def facts(build):
    """Packages with their licences, hashes and dependencies, by name and version."""
    described = json.loads(cargo(build, "metadata", "--format-version", "1", "--filter-platform", build.target))
    with open(build.folder / "Cargo.lock", "rb") as lock:
        locked = tomllib.load(lock)["package"]
    hashes = {(row["name"], row["version"]): row.get("checksum") for row in locked}
    key = {row["id"]: (row["name"], row["version"]) for row in described["packages"]}
    is_linked = lambda dep: any(kind["kind"] is None for kind in dep["dep_kinds"])
    needs = {
        key[row["id"]]: {key[dep["pkg"]] for dep in row["deps"] if is_linked(dep)}
        for row in described["resolve"]["nodes"]
    }
    for row in described["packages"]:
        crate = key[row["id"]]
        yield crate, row["license"], row["description"], hashes.get(crate), needs[crate]


def component(crate, licence, description, checksum, scope, kind):
    name, version = crate
    purl = PackageURL("cargo", name=name, version=version)
    # Before SPDX had expressions, a slash meant a choice.
    licence = LicenseFactory().make_from_string(" OR ".join(part.strip() for part in licence.split("/")))
    return Component(
        type=kind,
        name=name,
        version=version,
        description=description and " ".join(description.split()),
        purl=purl,
        bom_ref=str(purl),
        licenses=[licence],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=checksum)] if checksum else [],
        scope=scope,
    )


def main(path):
    bom = Bom()
    # The same sources give the same file.
    bom.metadata.timestamp = datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), timezone.utc)
    bom.serial_number = None
    made, edges = {}, {}
    for build in BUILDS:
        there, without_macros = linked(build), linked(build, macros=False)
        for crate, licence, description, checksum, needs in facts(build):
            if crate not in there:
                continue
            edges.setdefault(crate, set()).update(needs & there)
            is_program = crate[0] == "regcarve"
            scope = ComponentScope.REQUIRED if crate in without_macros else ComponentScope.EXCLUDED
            kind = ComponentType.APPLICATION if is_program else ComponentType.LIBRARY
            made[crate] = component(crate, licence, description, checksum, scope, kind)
            if is_program:
                bom.metadata.component = made[crate]
    guests = {root for build in BUILDS[1:] for root in made if root[0] in build.packages}
    for crate, row in made.items():
        if row is not bom.metadata.component:
            bom.components.add(row)
    for crate, row in made.items():
        needs = edges[crate] | (guests if row is bom.metadata.component else set())
        bom.register_dependency(row, [made[need] for need in needs])
    with open(path, "w", encoding="utf-8") as file:
        file.write(JsonV1Dot6(bom).output_as_string(indent=2) + "\n")


main(sys.argv[1])
