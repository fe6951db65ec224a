#!/usr/bin/env python3
"""Which lines of a list are references, said by regular expressions.

    grammar.py LIST

The grammar is that of distribution/reference, without a registry host in front, and with a tag or a digest. Prints a
letter for each line: `-` for one that asks for nothing, `y` for a reference, `n` for none, `?` for one that has
characters of a pattern, which this grammar does not know.
"""

import re
import sys

COMPONENT = r"[a-z0-9]+(?:(?:\.|__|_|-+)[a-z0-9]+)*"
NAME = rf"(?P<name>{COMPONENT}(?:/{COMPONENT})*)"
TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
DIGEST = r"sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128}"
REFERENCE = re.compile(rf"{NAME}(?P<tag>:{TAG})?(?P<digest>@(?:{DIGEST}))?", re.ASCII)
PATTERN = re.compile(r"[*?\[\]{},!^\\]")
# Unicode's White_Space; what Python itself splits at is more.
SPACE = re.compile("[\t\n\v\f\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")


def verdict(line):
    words = []
    for word in filter(None, SPACE.split(line)):
        if not words and word.startswith("/"):
            return "-"
        if word.startswith("#"):
            break
        words.append(word)
    if not words:
        return "-"
    if len(words) > 1:
        return "n"
    if PATTERN.search(words[0]):
        return "?"
    found = REFERENCE.fullmatch(words[0])
    good = found and (found["tag"] or found["digest"]) and len(found["name"]) <= 255
    return "y" if good else "n"


with open(sys.argv[1], encoding="utf-8", newline="") as file:
    text = file.read()
print("".join(verdict(line.removesuffix("\r")) for line in text.removesuffix("\n").split("\n")))
