"""`owned-images`: every image of a release names the team that owns it, and no snapshot is released.

The contract is in `wit`, written as a manual; read `wit/worlds.wit` first. What the interface `decide` has, the class
`Decide` has. `componentize-py -d wit -w policy bindings .` writes the types for an editor.
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

# What a platform team may set, and what holds where it sets nothing.
DEFAULTS = {"label": "team", "snapshots": ["-snapshot", "-dirty"]}

# The same as a JSON schema, for `regcarve policy inspect`.
SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "What a platform team may set.",
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


# What holds in this run. Not a field of `Decide`, of which every call gets a new one.
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
        """Takes the settings. What is raised is what the user reads: places in them, and what is wrong there."""
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
    # An image for several platforms has a config for each.
    for part in content.closure(image.digest):
        if part.kind == Kind.CONFIG and not is_owned(content.read_blob(part.digest), label):
            return Decision_Drop(f"its config has no label `{label}`")
    return Decision_Keep()


def problems(given: object) -> list[Diagnostic]:
    if not isinstance(given, dict):
        return [Diagnostic("", "settings are a JSON object: { … }")]
    wrong = []
    for key, value in given.items():
        if key == "label":
            if not isinstance(value, str):
                wrong.append(Diagnostic("/label", "not a string"))
        elif key == "snapshots":
            if not isinstance(value, list):
                wrong.append(Diagnostic("/snapshots", "not a list"))
                continue
            for at, ending in enumerate(value):
                if not isinstance(ending, str):
                    wrong.append(Diagnostic(f"/snapshots/{at}", "not a string"))
        else:
            pointer = key.replace("~", "~0").replace("/", "~1")
            message = "there is no such setting; there are `label` and `snapshots`"
            wrong.append(Diagnostic(f"/{pointer}", message))
    return wrong


def is_owned(config: bytes, label: str) -> bool:
    try:
        labels = json.loads(config.decode())["config"]["Labels"]
        team = labels[label]
    except (ValueError, RecursionError, LookupError, TypeError):
        return False
    return isinstance(team, str) and team != ""
