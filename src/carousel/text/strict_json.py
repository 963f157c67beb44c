"""JSON from elsewhere: read in bounded time and memory, and only what every program reads the same way."""

import json
import math
import re
from typing import Any, NoReturn

MOST_VALUES = 500_000  # of one text; a value takes about 64 bytes in memory, whatever it takes in the file
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def loads(text: str) -> Any:
    """Return the value of a JSON text.

    Raises:
        ValueError: when it is not JSON, is too deep or has too many values, names a key of an object twice, or has
            a number that is not finite or half of a surrogate pair; the message completes "it …".
    """
    if text.count(",") + text.count("[") + text.count("{") > MOST_VALUES:
        raise ValueError(f"has more than {MOST_VALUES:,} values")
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_float=_finite, parse_constant=_constant)
        if _SURROGATE.search(text):
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except json.JSONDecodeError as error:
        raise ValueError(f"is not valid JSON: {error.msg} in line {error.lineno}") from error
    except RecursionError as error:
        raise ValueError("is not valid JSON: it is too deep") from error
    except UnicodeEncodeError as error:
        raise ValueError("has half of a surrogate pair, which is no character") from error
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("names a key of an object twice")
    return found


def _finite(digits: str) -> float:
    value = float(digits)
    return value if math.isfinite(value) else _constant(digits)


def _constant(digits: str) -> NoReturn:
    raise ValueError(f"has a number that is not finite: {digits[:20]}")
