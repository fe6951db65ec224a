#!/usr/bin/env python3
"""What a carve of a registry storage has to be, said a second time, in another language.

    carve.py STORAGE LIST OUTPUT

The rules are those of the storage format and of the README; nothing is shared with the program that is tested. If
everything that LIST names is there, OUTPUT becomes the tree that a carve must be, with hard links to the blobs of
STORAGE. If not, OUTPUT is not made. What is missing or damaged is printed as JSON: two lists of references.

It knows references (`name:tag`, `name@digest`, both), blank lines and lines that begin with `#`. It reads whole files
and asks for everything anew each time: it is to be right, not fast.
"""

import hashlib
import json
import os
import re
import sys

DIGEST = re.compile(r"(sha256):([0-9a-f]{64})|(sha512):([0-9a-f]{128})")
COSIGN = [".sig", ".att", ".sbom"]
INDEXES = ["application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"]


class Missing(Exception):
    """There is no such image."""


class Damaged(Exception):
    """There is, but it is not whole."""


def parts(digest):
    """Algorithm and digits."""
    found = DIGEST.fullmatch(digest)
    if not found:
        raise Damaged(f"no digest: {digest!r}")
    return digest.split(":")


def digest_of(data, algorithm):
    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


class Repository:
    def __init__(self, root, name):
        self.blobs = os.path.join(root, "docker/registry/v2/blobs")
        self.path = os.path.join(root, "docker/registry/v2/repositories", name)

    def link(self, path, of=None):
        """The digest in a link file; None where there is no such file. `of` is the digest that the path is made of."""
        try:
            with open(os.path.join(self.path, path, "link"), "rb") as file:
                text = file.read()
        except FileNotFoundError:
            return None
        if not text.isascii():
            raise Damaged(f"{path}: not text")
        target = text.decode()
        algorithm, _ = parts(target)
        # Only a blob that was pushed by another algorithm is kept under another digest.
        if of is not None and of != target and of.startswith(algorithm + ":"):
            raise Damaged(f"{path} names {target}")
        return target

    def data(self, digest):
        algorithm, hexits = parts(digest)
        return os.path.join(self.blobs, algorithm, hexits[:2], hexits, "data")

    def revision(self, digest):
        """Bytes of a manifest and the file they are in; None where the repository does not have the manifest."""
        algorithm, hexits = parts(digest)
        target = self.link(f"_manifests/revisions/{algorithm}/{hexits}", digest)
        if target is None:  # as registry 2.1 kept them
            target = self.link(f"_layers/{algorithm}/{hexits}", digest)
        if target is None:
            return None
        try:
            with open(self.data(target), "rb") as file:
                data = file.read()
        except FileNotFoundError:
            raise Damaged(f"{target} is gone")
        if digest_of(data, algorithm) != digest:
            raise Damaged(f"{target} has other bytes")
        return data, self.data(target)

    def layer(self, descriptor):
        """The file of a blob; None for one that comes from elsewhere and is not here."""
        digest, elsewhere = descriptor["digest"], bool(descriptor.get("urls"))
        algorithm, hexits = parts(digest)
        target = self.link(f"_layers/{algorithm}/{hexits}", digest)
        path = target and self.data(target)
        if path is None or not os.path.exists(path):
            if elsewhere:
                return None
            raise Damaged(f"{digest} is gone")
        if os.path.getsize(path) != descriptor["size"]:
            raise Damaged(f"{digest} has another size")
        return path


def closure(repository, digest, manifests, blobs, size=None):
    """Adds everything behind a manifest: digest to file, apart for manifests and for other content."""
    found = repository.revision(digest)
    if found is None:
        raise Damaged(f"{digest} is not there")
    data, manifests[digest] = found
    if size is not None and size != len(data):
        raise Damaged(f"{digest} has another size")
    try:
        manifest = json.loads(data)
    except ValueError:
        raise Damaged(f"{digest} is no manifest")
    if not isinstance(manifest, dict) or manifest.get("schemaVersion") != 2:
        raise Damaged(f"{digest} is no manifest")
    if manifest.get("mediaType") in INDEXES:
        for child in manifest["manifests"]:
            closure(repository, child["digest"], manifests, blobs, child["size"])
    elif "config" not in manifest:
        raise Damaged(f"{digest} is no manifest")
    else:
        for descriptor in [manifest["config"]] + manifest["layers"]:
            path = repository.layer(descriptor)
            if path is not None:
                blobs[descriptor["digest"]] = path


class Carve:
    def __init__(self, root):
        self.root = root
        self.images = {}  # (name, tag, top) to (manifests, blobs)
        self.missing, self.damaged = set(), set()

    def take(self, line):
        """One line of a list."""
        before, _, pinned = line.partition("@")
        name, _, tag = before.partition(":")
        try:
            self.image(name, tag or None, pinned or None)
        except Missing:
            self.missing.add(line)
        except Damaged:
            self.damaged.add(line)

    def image(self, name, tag, pinned):
        repository = Repository(self.root, name)
        top = pinned
        if tag is not None:
            top = repository.link(f"_manifests/tags/{tag}/current")
            if top is None or pinned not in (None, top):
                raise Missing()
        elif repository.revision(top) is None:
            raise Missing()
        manifests, blobs = {}, {}
        # What the manifest of a tag is not, a registry does not serve: the storage is damaged, not the list wrong.
        closure(repository, top, manifests, blobs)
        if (name, tag, top) not in self.images:
            self.images[name, tag, top] = manifests, blobs
            for digest in manifests:
                self.attached(name, digest)

    def attached(self, name, subject):
        """What speaks of a manifest, and what speaks of that."""
        algorithm, hexits = parts(subject)
        tags = [f"{algorithm}-{hexits}{kind}" for kind in COSIGN] + [f"{algorithm}-{hexits[:64]}"]
        for tag in tags:
            try:
                self.image(name, tag, None)
            except Missing:
                pass
            except Damaged:
                self.damaged.add(f"{name}:{tag}")

    def write(self, output):
        for (name, tag, top), (manifests, blobs) in self.images.items():
            target = Repository(output, name)
            os.makedirs(os.path.join(target.path, "_layers"), exist_ok=True)
            for digest, path in manifests.items():
                self.place(target, "_manifests/revisions", digest, path)
            for digest, path in blobs.items():
                self.place(target, "_layers", digest, path)
            if tag is not None:
                self.write_link(target, f"_manifests/tags/{tag}/current", top)
                self.write_link(target, f"_manifests/tags/{tag}/index/{top.replace(':', '/')}", top)

    def place(self, target, folder, digest, path):
        """Content under the digest by which its manifest names it."""
        data = target.data(digest)
        if not os.path.exists(data):
            os.makedirs(os.path.dirname(data))
            os.link(path, data)
        self.write_link(target, f"{folder}/{digest.replace(':', '/')}", digest)

    def write_link(self, target, path, digest):
        path = os.path.join(target.path, path)
        os.makedirs(path, exist_ok=True)
        with open(os.path.join(path, "link"), "w", encoding="ascii") as file:
            file.write(digest)


def main(root, list_file, output):
    carve = Carve(root)
    with open(list_file, encoding="utf-8") as file:
        for line in file:
            line = line.split("#")[0].strip()
            if line:
                carve.take(line)
    if not carve.missing and not carve.damaged:
        carve.write(output)
    json.dump({"missing": sorted(carve.missing), "damaged": sorted(carve.damaged)}, sys.stdout)


main(*sys.argv[1:])
