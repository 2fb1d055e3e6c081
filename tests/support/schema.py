#!/usr/bin/env python3
"""schema.py SCHEMA NAME FILE...: each line or file of JSON is what $defs/NAME of the schema says.

NAME ending with -lines: every line of the file is a value of its own, of finding_line or summary_line.
NAME command: the value tells of which command it is.
"""
import json
import sys

import jsonschema

# The commands that say everything.
WHOLE = ("check", "list", "predict", "report")


def values(name, path):
    with open(path, encoding="utf-8") as file:
        if not name.endswith("-lines"):
            value = json.load(file)
            kind = value.get("command") if name == "command" else name
            yield "report" if kind in WHOLE else kind, value
            return
        for line in file:
            value = json.loads(line)
            yield str(value.get("type")) + "_line", value


def main():
    path, name, files = sys.argv[1], sys.argv[2], sys.argv[3:]
    with open(path, encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema)
    nr = bad = 0
    for file in files:
        for kind, value in values(name, file):
            nr += 1
            part = {"$defs": schema["$defs"], "$ref": "#/$defs/" + kind}
            for error in jsonschema.Draft202012Validator(part).iter_errors(value):
                bad += 1
                where = "/".join(str(p) for p in error.absolute_path)
                print(f"{file}: {where or '.'}: {error.message[:300]}")
    if not nr:
        print("there is no JSON to look at")
    return 1 if bad or not nr else 0


sys.exit(main())
