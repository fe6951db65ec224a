#!/usr/bin/env bash
# Writes target/sbom.cdx.json, a bill of materials (CycloneDX) of the program and its components, and checks it.
set -euo pipefail
cd "$(dirname "$0")/../.."
tools=target/sbom-tools
python3 -m venv "$tools"
"$tools/bin/pip" install --quiet --disable-pip-version-check 'cyclonedx-python-lib[json-validation]==11.12.0'
export PYTHONDONTWRITEBYTECODE=1
"$tools/bin/python" tests/sbom/sbom.py target/sbom.cdx.json
"$tools/bin/python" tests/sbom/check.py target/sbom.cdx.json
