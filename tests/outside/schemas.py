"""Whether the examples of the protocol pass their JSON Schemas, and the damaged ones do not.

    schemas.py common/protocol/v1

Prints one line an example: its name, and `good` or `refused`. Every example is damaged too:
each member that its schema requires is taken away in turn, and the schema has to notice.
"""

import json
import pathlib
import sys

from jsonschema import Draft202012Validator
from referencing import Registry, Resource

folder = pathlib.Path(sys.argv[1])
schemas = {path.name: json.loads(path.read_text()) for path in folder.glob("*.schema.json")}
for schema in schemas.values():
    Draft202012Validator.check_schema(schema)
registry = Registry().with_resources(
    (schema["$id"], Resource.from_contents(schema)) for schema in schemas.values()
)


def validator(path):
    message = path.name.split(".")[0]
    return Draft202012Validator(schemas[f"{message}.schema.json"], registry=registry)


def places(value, schema, file):
    """The objects in `value`, each with the members that its schema, of `file`, requires."""
    while "$ref" in schema:
        name, _, pointer = schema["$ref"].partition("#")
        file = name or file
        schema = schemas[file]
        for part in pointer.split("/")[1:]:
            schema = schema[part]
    if isinstance(value, dict):
        for member in schema.get("required", []):
            yield value, member
        for member, below in schema.get("properties", {}).items():
            if member in value:
                yield from places(value[member], below, file)
    elif isinstance(value, list):
        for item in value:
            yield from places(item, schema["items"], file)


for path in sorted([*folder.glob("golden/*.json"), *folder.glob("golden/refused/*.json")]):
    check = validator(path)
    value = json.loads(path.read_text())
    good = check.is_valid(value)
    print(path.relative_to(folder / "golden"), "good" if good else "refused", sep="\t")
    if not good:
        continue
    for holder, member in list(places(value, check.schema, "")):
        taken = holder.pop(member)
        if check.is_valid(value):
            sys.exit(f"{path}: the schema does not miss '{member}'")
        holder[member] = taken
    assert check.is_valid(value)
