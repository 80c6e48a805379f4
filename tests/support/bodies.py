"""A body for any operation, made from its schema: enough to get past the shape and to the walls."""

from collections.abc import Mapping
from typing import Any, Final

from scf.kernel.ids import PREFIXES

OWN: Final = {
    "month": "2025-11",
    "code": "contract_signed",
    "authorizations": ["e30.e30.e30"],
    "first_on": "2025-11-01",
    "last_on": "2025-11-30",
}
BESIDES: Final = {"receivables_draft_answers": {"csv": "行号"}}
"""What a body needs beyond what its schema requires."""
_DEPTH_MAX: Final = 12
_SHA256: Final = "^[0-9a-f]{64}$"


class Bodies:
    """Makes bodies by an OpenAPI description, with ids of things that are there."""

    def __init__(self, schema: Mapping[str, Any], ids: Mapping[str, str]) -> None:
        self.components = schema["components"]["schemas"]
        self.ids = {value.partition("_")[0]: value for value in ids.values()}

    def of(self, operation: Mapping[str, Any]) -> Any:
        """Return a body, bytes where a file is wanted, None where nothing is."""
        content = operation.get("requestBody", {}).get("content", {})
        if not content:
            return None
        if "application/json" not in content:
            return b"x"
        made = self.value(content["application/json"]["schema"])
        besides = BESIDES.get(operation["operationId"])
        return made if besides is None else {**made, **besides}

    def query(self, operation: Mapping[str, Any]) -> dict[str, Any]:
        """Return the parameters that an operation cannot do without."""
        return {
            one["name"]: OWN.get(one["name"]) or self.value(one["schema"])
            for one in operation.get("parameters", ())
            if one["in"] == "query" and one.get("required")
        }

    def value(self, schema: Mapping[str, Any], depth: int = 0) -> Any:
        """Return something of a schema."""
        assert depth < _DEPTH_MAX, schema
        if "$ref" in schema:
            return self.value(self.components[schema["$ref"].rpartition("/")[2]], depth + 1)
        if schema.get("pattern") == _SHA256:
            return "0" * 64
        known = [self._id(schema), schema.get("const"), schema.get("default")]
        known += [schema[name][0] for name in ("examples", "enum") if schema.get(name)]
        for one in known:
            if one is not None:
                return one
        for name in ("anyOf", "oneOf", "allOf"):
            if schema.get(name):
                return self.value(schema[name][0], depth + 1)
        return self._plain(schema, depth)

    def id_of(self, schema: Mapping[str, Any]) -> str | None:
        """Return the id that a schema takes, None where it takes none."""
        for one in schema.get("anyOf", [schema]):
            if (found := self._id(one)) is not None:
                return found
        return None

    def _id(self, schema: Mapping[str, Any]) -> str | None:
        prefix = str(schema.get("pattern", "")).removeprefix("^").partition("_")[0]
        return self.ids.get(prefix) if prefix in PREFIXES.values() else None

    def _plain(self, schema: Mapping[str, Any], depth: int) -> Any:
        match schema.get("type"):
            case "array":
                return [self.value(schema["items"], depth + 1)] * schema.get("minItems", 0)
            case "integer" | "number":
                return int(schema.get("minimum", 1))
            case "boolean":
                return False
            case "object":
                inside = schema.get("properties", {})
                return {
                    name: OWN[name] if name in OWN else self.value(inside[name], depth + 1)
                    for name in schema.get("required", ())
                }
        return "x" * max(1, schema.get("minLength", 1))
