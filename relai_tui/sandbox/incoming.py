"""JSON as clients send it, made safe to keep and to send back."""

import json
import math
from typing import Any


def load(body: bytes) -> Any:
    """The value of a JSON body. Raises ValueError for what is not JSON: NaN, numbers beyond a float, too deep nesting.

    Halves of surrogate pairs, which JSON can write and UTF-8 cannot, become question marks.
    """
    try:
        value = json.loads(body, parse_constant=_refuse, parse_float=_finite)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if b"\\u" not in body:
        return value
    return json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number beyond what a float holds")
    return number
