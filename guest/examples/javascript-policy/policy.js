// `owned-images`: every image of a release names the team that owns it, and no snapshot is released.
//
// The contract is in `wit`, written as a manual; read `wit/worlds.wit` first. This file exports the functions of the
// interface `decide`, in camelCase.

import content from "regcarve:plugin/content@0.1.0";

/** The settings of a platform team, with their defaults. */
const DEFAULTS = { label: "team", snapshots: ["-snapshot", "-dirty"] };

/** The settings as a JSON schema, for `regcarve policy inspect`. */
const SCHEMA = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  title: "The settings of a platform team.",
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

/** Takes the settings. Throws the mistakes in them, each with its place, for the user. */
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
  const { label = "", snapshots = [], ...others } = given;
  const wrong = notStrings({ "/label": label });
  if (Array.isArray(snapshots)) {
    wrong.push(...notStrings(Object.fromEntries(snapshots.map((ending, at) => [`/snapshots/${at}`, ending]))));
  } else {
    wrong.push({ path: "/snapshots", message: "not a list" });
  }
  for (const key of Object.keys(others)) {
    const pointer = key.replaceAll("~", "~0").replaceAll("/", "~1");
    wrong.push({ path: `/${pointer}`, message: "there is no such setting; there are `label` and `snapshots`" });
  }
  return wrong;
}

function notStrings(values) {
  const wrong = Object.entries(values).filter(([, value]) => typeof value !== "string");
  return wrong.map(([path]) => ({ path, message: "not a string" }));
}

/** As many decisions as images, in the same order. */
function decideAll(repository, images) {
  return images.map(decideOne);
}

function decideOne(image) {
  if (image.tag != null && settings.snapshots.some((ending) => image.tag.endsWith(ending))) {
    return { tag: "drop", val: `\`${image.tag}\` is a snapshot` };
  }
  if (!configs(image).every((config) => isOwned(content.readBlob(config.digest)))) {
    return { tag: "drop", val: `its config has no label \`${settings.label}\`` };
  }
  return { tag: "keep" };
}

/** The configs of an image: one for each platform, without those of attestations. */
function configs(image) {
  const contents = content.closure(image.digest);
  const manifests = contents.filter((one) => one.kind === "manifest" && one.describes == null);
  const children = manifests.flatMap((manifest) => Array.from(manifest.children, (at) => contents[at]));
  return children.filter((child) => child.kind === "config");
}

function isOwned(bytes) {
  try {
    const { Labels: labels } = JSON.parse(fromUtf8(bytes)).config;
    // Lists and strings have members, too, but no labels.
    const isObject = typeof labels === "object" && !Array.isArray(labels);
    const team = isObject && Object.hasOwn(labels, settings.label) ? labels[settings.label] : "";
    return typeof team === "string" && team !== "";
  } catch {
    return false;
  }
}

/** Decodes UTF-8; throws for other bytes. QuickJS has no TextDecoder. */
function fromUtf8(bytes) {
  const escaped = Array.from(bytes, (byte) => "%" + byte.toString(16).padStart(2, "0"));
  return decodeURIComponent(escaped.join(""));
}

export const decide = { describe, configure, decide: decideAll };
