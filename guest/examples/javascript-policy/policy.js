// `owned-images`: every image of a release names the team that owns it, and no snapshot is released.
//
// The contract is in `wit`, written as a manual; read `wit/worlds.wit` first. What the interface `decide` has, this
// file exports, in camelCase.

import content from "regcarve:plugin/content@0.1.0";

/** What a platform team may set, and what holds where it sets nothing. */
const DEFAULTS = { label: "team", snapshots: ["-snapshot", "-dirty"] };

/** The same as a JSON schema, for `regcarve policy inspect`. */
const SCHEMA = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  title: "What a platform team may set.",
  type: "object",
  additionalProperties: false,
  properties: {
    label: {
      description: "The label that the config of an image must have.",
      type: "string",
      default: DEFAULTS.label,
    },
    snapshots: {
      description: "Endings of tags that are never released.",
      type: "array",
      items: { type: "string" },
      default: DEFAULTS.snapshots,
    },
  },
};

let settings = DEFAULTS;

function describe() {
  return {
    name: "owned-images",
    version: "0.1.0",
    summary: "Drops snapshots, and images that no team owns.",
    settingsSchema: JSON.stringify(SCHEMA),
  };
}

/** Takes the settings. What is thrown is what the user reads: places in them, and what is wrong there. */
function configure(text) {
  const given = JSON.parse(text);
  const wrong = problems(given);
  if (wrong.length > 0) throw wrong;
  settings = { ...DEFAULTS, ...given };
}

function problems(given) {
  if (given === null || typeof given !== "object" || Array.isArray(given)) {
    return [{ path: "", message: "settings are a JSON object: { … }" }];
  }
  const wrong = [];
  for (const [key, value] of Object.entries(given)) {
    if (key === "label") {
      if (typeof value !== "string") wrong.push({ path: "/label", message: "not a string" });
    } else if (key === "snapshots") {
      if (!Array.isArray(value)) wrong.push({ path: "/snapshots", message: "not a list" });
      else
        value.forEach((ending, at) => {
          if (typeof ending !== "string") wrong.push({ path: `/snapshots/${at}`, message: "not a string" });
        });
    } else {
      const pointer = key.replaceAll("~", "~0").replaceAll("/", "~1");
      wrong.push({ path: `/${pointer}`, message: "there is no such setting; there are `label` and `snapshots`" });
    }
  }
  return wrong;
}

/** As many decisions as images, in the same order. */
function decideAll(repository, images) {
  return images.map(decideOne);
}

function decideOne(image) {
  if (image.tag != null && settings.snapshots.some((ending) => image.tag.endsWith(ending))) {
    return { tag: "drop", val: `\`${image.tag}\` is a snapshot` };
  }
  // An image for several platforms has a config for each.
  for (const part of content.closure(image.digest)) {
    if (part.kind === "config" && !isOwned(content.readBlob(part.digest))) {
      return { tag: "drop", val: `its config has no label \`${settings.label}\`` };
    }
  }
  return { tag: "keep" };
}

function isOwned(bytes) {
  let config;
  try {
    config = JSON.parse(fromUtf8(bytes));
  } catch {
    return false;
  }
  const team = member(member(member(config, "config"), "Labels"), settings.label);
  return typeof team === "string" && team !== "";
}

/** The text in these bytes; what is no UTF-8 is thrown. QuickJS has no TextDecoder. */
function fromUtf8(bytes) {
  const escaped = Array.from(bytes, (byte) => "%" + byte.toString(16).padStart(2, "0"));
  return decodeURIComponent(escaped.join(""));
}

/** A member of a JSON object, if there is one. */
function member(value, key) {
  const object = value !== null && typeof value === "object" && !Array.isArray(value);
  const has = object && Object.hasOwn(value, key);
  return has ? value[key] : undefined;
}

export const decide = { describe, configure, decide: decideAll };
