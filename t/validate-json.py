"""validate-json.py SCHEMA FILE: says where a file is not what a schema describes."""

import json
import sys

from jsonschema import Draft202012Validator


def main(schema_path, path):
    with open(schema_path, encoding="utf-8") as f:
        schema = json.load(f)
    with open(path, encoding="utf-8") as f:
        document = json.load(f)
    Draft202012Validator.check_schema(schema)
    errors = list(Draft202012Validator(schema).iter_errors(document))
    for error in errors:
        print(f"{path}: {error.json_path}: {error.message}"[:600])
    return 1 if errors else 0


sys.exit(main(*sys.argv[1:]))
