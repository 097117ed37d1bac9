"""Parameters as params.yaml has them, in sections, and as command lines have them, with dots."""

from typing import Any


def flatten(content: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested sections as one dictionary of dotted keys."""
    flat = {}
    for key, value in content.items():
        flat |= flatten(value, f"{prefix}{key}.") if isinstance(value, dict) and value else {f"{prefix}{key}": value}
    return flat


def unflatten(values: dict[str, Any]) -> dict[str, Any]:
    """Return dotted keys as nested sections."""
    nested: dict[str, Any] = {}
    for key, value in values.items():
        *sections, name = key.split(".")
        section = nested
        for part in sections:
            section = section.setdefault(part, {})
        section[name] = value
    return nested
