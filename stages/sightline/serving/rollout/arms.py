"""Which of two models answers a request, and what its answer and its line in the log say of that."""

import hashlib
from contextvars import ContextVar
from typing import NamedTuple

CURRENT, CANDIDATE = "current", "candidate"
UNKEYED = "unkeyed"  # ab without the key that would decide: answered by the current model, outside of the test
RESTING = "resting"  # the candidate stepped back: all are answered by the current model, outside of the test
SHADOW = "shadow"  # answered by the candidate too, for the log alone


class Arm(NamedTuple):
    """The arm of a request; `unit` names the key that chose it, empty where none did."""

    name: str = ""
    unit: str = ""


NONE = Arm()
ARM = ContextVar("ARM", default=NONE)  # of the request that is being answered


def unit_of(key: bytes, salt: str) -> str:
    """Return 16 hexadecimal digits for a key, others for each salt; the key cannot be told from them."""
    return hashlib.blake2b(key, digest_size=8, key=salt.encode()[:64]).hexdigest()


def is_within(unit: str, share: float) -> bool:
    """Tell whether a unit is among a share of all units: a larger share keeps those of a smaller one."""
    return int(unit, 16) < share * 2.0**64
