"""OpenAPI links: from what a collection answers to the operations on one of its members.

Found rather than written: an operation takes a member's id in its path where that parameter has the id's
own pattern (`^rcv_…`), or, for an id without one, where its path goes on from the collection's.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

JSON: Final = "application/json"
METHODS: Final = ("get", "post")


def add_links(schema: dict[str, Any]) -> None:
    """Give every creating and listing operation its links (OpenAPI 3.1, Link Object)."""
    members = list(_members(schema))
    for path, item in schema["paths"].items():
        for operation in (item[method] for method in METHODS if method in item):
            for status, response in operation["responses"].items():
                if not status.startswith("2"):
                    continue
                place, identity = _identity(schema, response)
                links = {
                    target["operationId"]: {
                        "operationId": target["operationId"],
                        "parameters": {parameter["name"]: f"$response.body#{place}"},
                    }
                    for target_path, target, parameter in members
                    if identity is not None
                    and target is not operation
                    and not _is_within(path, parameter)
                    and _leads(path, identity, target_path, parameter)
                }
                if links:
                    response["links"] = links


def _members(schema: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Give path, operation and parameter of every operation with exactly one parameter in its path."""
    for path, item in schema["paths"].items():
        for operation in (item[method] for method in METHODS if method in item):
            match [one for one in operation.get("parameters", ()) if one["in"] == "path"]:
                case [parameter]:
                    yield path, operation, parameter


def _identity(
    schema: Mapping[str, Any], response: Mapping[str, Any]
) -> tuple[str, dict[str, Any] | None]:
    """Return where an answer carries an id, of itself or of its first item, and that id's schema."""
    body = _resolved(schema, response.get("content", {}).get(JSON, {}).get("schema", {}))
    properties = body.get("properties", {})
    if "id" in properties:
        return "/id", properties["id"]
    for place, listing in (("/items/0/id", properties.get("items", {})), ("/0/id", body)):
        one = _resolved(schema, listing.get("items", {}))
        if "id" in one.get("properties", {}):
            return place, one["properties"]["id"]
    return "", None


def _leads(
    path: str, identity: Mapping[str, Any], target: str, parameter: Mapping[str, Any]
) -> bool:
    if "pattern" in identity:
        return bool(parameter["schema"].get("pattern") == identity["pattern"])
    return target.startswith(f"{path}/{{{parameter['name']}}}")


def _is_within(path: str, parameter: Mapping[str, Any]) -> bool:
    """Tell whether a path names the member already: whoever called it knows the id."""
    return f"{{{parameter['name']}}}" in path


def _resolved(schema: Mapping[str, Any], found: Any) -> dict[str, Any]:
    """Follow a reference into the components."""
    name = found.get("$ref", "").rpartition("/")[2]
    found = schema["components"]["schemas"][name] if name else found
    return dict(found)
