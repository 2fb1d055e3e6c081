"""Is this report well-formed, complete in itself, and deaf to the net?  Prints what is wrong.

    python3 tests/browser/valid.py FILE...
"""
import base64
import hashlib
import json
import re
import sys
import xml.etree.ElementTree as ElementTree

VOID = {"br", "input", "meta", "hr", "img", "link"}


def complaints(text):
    begin, end = text.index("<script>") + 8, text.rindex("</script>")
    script = text[begin:end]
    if not text.startswith("<!DOCTYPE html>\n<html"):
        yield "it is no HTML"
    if "</script" in script or "<!--" in text.replace(script, ""):
        yield "a script ends early, or a comment begins"
    root = ElementTree.fromstring((text[:begin] + text[end:]).split("\n", 1)[1])
    ids, targets = [], set()
    for e in root.iter():
        for name, value in e.attrib.items():
            if name.startswith("on") or name in ("style", "src", "action", "srcdoc"):
                yield f"<{e.tag} {name}>"
            if name == "href":
                if not value.startswith("#"):
                    yield f"a link to {value!r}"
                targets.add(value[1:])
            if name == "id":
                ids.append(value)
        if not len(e) and not e.text and e.tag not in VOID and e.tag in ("h1", "h2", "h3", "dt", "title"):
            yield f"an empty <{e.tag}>"
        if e.tag in ("link", "img", "iframe", "object", "embed", "base", "form"):
            yield f"<{e.tag}>"
    if len(ids) != len(set(ids)):
        yield "the same id twice: " + ", ".join(sorted({i for i in ids if ids.count(i) > 1})[:5])
    rows = json.loads(root.find(".//script[@id='rows']").text)
    # A device on a later page of the table is found by the script.
    known = set(ids) | {f"d{row[0]}" for row in rows["rows"]}
    for target in sorted(targets - known):
        yield f"a link to #{target}, which is not there"
    policy = root.find(".//meta[@http-equiv]").attrib["content"]
    for tag, body in (("style", root.find(".//style").text), ("script", script)):
        digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        if f"{tag}-src 'sha256-{digest}'" not in policy:
            yield f"the policy does not name the {tag}"
    if not policy.startswith("default-src 'none'"):
        yield "the policy lets something be loaded"
    if re.search(r"@import|url\(|https?://(?!www\.w3\.org/2000/svg)", root.find(".//style").text + script):
        yield "the style or the script names something outside"
    if re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]", text):
        yield "a character that steers"


def main():
    bad = 0
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8", errors="strict") as file:
            for complaint in complaints(file.read()):
                print(f"{path}: {complaint}")
                bad = 1
    return bad


sys.exit(main())
