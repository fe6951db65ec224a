"""`owned-images`: every image of a release names the team that owns it, and no snapshot is released.

The contract is in `wit`, written as a manual; read `wit/worlds.wit` first. The class `Decide` has the functions of the
interface `decide`. `componentize-py -d wit -w policy bindings .` writes the types for an editor.
"""

import json

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.decide import (
    Decision,
    Decision_Drop,
    Decision_Keep,
    Description,
    Diagnostic,
    Image,
)
from wit_world.imports import content
from wit_world.imports.types import Kind

# The settings of a platform team, with their defaults.
DEFAULTS = {"label": "team", "snapshots": ["-snapshot", "-dirty"]}

# The settings as a JSON schema, for `regcarve policy inspect`.
SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "The settings of a platform team.",
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "label": {
            "description": "The label that the config of an image must have.",
            "type": "string",
            "default": DEFAULTS["label"],
        },
        "snapshots": {
            "description": "Endings of tags that are never released.",
            "type": "array",
            "items": {"type": "string"},
            "default": DEFAULTS["snapshots"],
        },
    },
}


# The settings of this run. Not a field of `Decide`, of which every call gets a new one.
settings_of_run = DEFAULTS


class Decide(exports.Decide):
    """The role of a policy."""

    def describe(self) -> Description:
        return Description(
            name="owned-images",
            version="0.1.0",
            summary="Drops snapshots, and images that no team owns.",
            settings_schema=json.dumps(SCHEMA),
        )

    def configure(self, settings: str) -> None:
        """Takes the settings. Raises the mistakes in them, each with its place, for the user."""
        global settings_of_run
        given = json.loads(settings)
        wrong = problems(given)
        if wrong:
            raise Err(wrong)
        settings_of_run = DEFAULTS | given

    def decide(self, repository: str, images: list[Image]) -> list[Decision]:
        """As many decisions as images, in the same order."""
        return [decide_one(image, **settings_of_run) for image in images]


def decide_one(image: Image, label: str, snapshots: list[str]) -> Decision:
    if image.tag is not None and image.tag.endswith(tuple(snapshots)):
        return Decision_Drop(f"`{image.tag}` is a snapshot")
    if not all(is_owned(content.read_blob(digest), label) for digest in configs(image)):
        return Decision_Drop(f"its config has no label `{label}`")
    return Decision_Keep()


def configs(image: Image) -> list[str]:
    """The configs of an image: one for each platform, without those of attestations."""
    contents = content.closure(image.digest)
    manifests = [one for one in contents if one.kind == Kind.MANIFEST and one.describes is None]
    children = [contents[child] for manifest in manifests for child in manifest.children]
    return [child.digest for child in children if child.kind == Kind.CONFIG]


def problems(given: object) -> list[Diagnostic]:
    if not isinstance(given, dict):
        return [Diagnostic("", "settings are a JSON object: { … }")]
    wrong = []
    for key, value in given.items():
        if key == "label":
            wrong += not_strings({"/label": value})
        elif key == "snapshots" and isinstance(value, list):
            wrong += not_strings({f"/snapshots/{at}": ending for at, ending in enumerate(value)})
        elif key == "snapshots":
            wrong.append(Diagnostic("/snapshots", "not a list"))
        else:
            pointer = key.replace("~", "~0").replace("/", "~1")
            message = "there is no such setting; there are `label` and `snapshots`"
            wrong.append(Diagnostic(f"/{pointer}", message))
    return wrong


def not_strings(values: dict[str, object]) -> list[Diagnostic]:
    wrong = [path for path, value in values.items() if not isinstance(value, str)]
    return [Diagnostic(path, "not a string") for path in wrong]


def is_owned(config: bytes, label: str) -> bool:
    try:
        labels = json.loads(config.decode())["config"]["Labels"]
        team = labels[label]
    except (ValueError, RecursionError, LookupError, TypeError):
        return False
    return isinstance(team, str) and team != ""
