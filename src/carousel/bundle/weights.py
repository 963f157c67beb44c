"""The file of weights, in the safetensors format: a length, a table in JSON, and the tensors' bytes.

safetensors maps a file into memory. Here it is read into tensors of their own, which are then fingerprinted and
used: a write to the file in between changes neither. Memory of their own is also aligned like that of a model that
was trained; a processor's kernels may round differently where it is not.

https://github.com/huggingface/safetensors describes the format.
"""

import hashlib
import io
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from carousel.bundle import regular
from carousel.text import strict_json

MOST_BYTES = 1 << 30  # of the file
_MOST_TABLE = 1 << 20  # bytes of the table
_PREFIX = 8  # bytes of the table's length
_TYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}


class Entry(NamedTuple):
    """A tensor in the file.

    Attributes:
        meta: a tensor of its type and shape without memory.
        start: where its bytes begin in the file.
    """

    meta: Tensor
    start: int


def table(file: io.FileIO, size: int) -> dict[str, Entry]:
    """Read the table alone.

    Args:
        file: opened, at its beginning.
        size: of the file in bytes.

    Raises:
        ValueError: when it is not a table, or does not account for every byte of the file.
    """
    length = int.from_bytes(_bytes(file, min(_PREFIX, size)), "little")
    if size < _PREFIX or length > size - _PREFIX:
        raise ValueError("damaged or cut short: its table does not fit into it")
    if length > _MOST_TABLE:
        raise ValueError(f"its table has {length:,} bytes, where {_MOST_TABLE:,} are the most that are read")
    try:
        content = strict_json.loads(_bytes(file, length).decode("utf-8"))
        if not isinstance(content, dict):
            raise ValueError("is no table")
        content.pop("__metadata__", None)
        spans = {name: _entry(name, fields, _PREFIX + length) for name, fields in content.items()}
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"damaged or cut short: its table {error}") from error
    end = _PREFIX + length
    for entry in sorted(spans.values(), key=lambda entry: (entry.start, entry.meta.nbytes)):
        if entry.start != end:
            raise ValueError("damaged or cut short: its tensors overlap or leave gaps")
        end += entry.meta.nbytes
    if end != size:
        raise ValueError(f"damaged or cut short: it has {size:,} bytes, its table accounts for {end:,}")
    return spans


def read(file: io.FileIO, entries: Mapping[str, Entry]) -> dict[str, Tensor]:
    """Read the tensors of a table into memory of their own.

    Raises:
        ValueError: when the file ends before.
    """
    tensors = {}
    for name, (meta, start) in entries.items():
        memory = torch.empty(meta.nbytes, dtype=torch.uint8)
        file.seek(start)
        regular.fill(file, memory.numpy().data)
        if meta.dtype is torch.bool and memory.numel() and int(memory.max()) > 1:
            raise ValueError(f"damaged: {name!r} has a truth value that is neither true nor false")
        tensors[name] = memory.view(meta.dtype).view(meta.shape)
    return tensors


def fingerprint(tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 over every tensor's name, type, shape and bytes, in name order."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().data)  # NumPy has no bfloat16
    return digest.hexdigest()


def misfit(expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> str | None:
    """Return where names, shapes or types of tensors are not the expected ones; None where all are."""
    for name in sorted(expected.keys() | found.keys()):
        if name not in found:
            return f"lacks {name!r}"
        if name not in expected:
            return f"has {name!r}, which the model has not"
        one, other = expected[name], found[name]
        if (one.shape, one.dtype) != (other.shape, other.dtype):
            return (
                f"{name!r} is {other.dtype} of {tuple(other.shape)}, in the model it is {one.dtype} of "
                f"{tuple(one.shape)}"
            )
    return None


def not_finite(tensors: Mapping[str, Tensor]) -> str | None:
    """Return the name of a tensor that has NaN or an infinity; None where none has."""
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and tensor.numel():
            low, high = torch.aminmax(tensor)  # NaN wins both
            if not (math.isfinite(low) and math.isfinite(high)):
                return name
    return None


def _bytes(file: io.FileIO, count: int) -> bytes:
    content = bytearray(count)
    regular.fill(file, memoryview(content))
    return bytes(content)


def _entry(name: str, fields: Any, first: int) -> Entry:
    dtype, shape, (start, end) = fields["dtype"], fields["shape"], fields["data_offsets"]
    if not isinstance(dtype, str) or dtype not in _TYPES:
        raise ValueError(f"has {name!r} in a type that this version does not read")
    numbers = [*shape, start, end]
    if not isinstance(shape, list) or len(shape) > 8 or not all(type(one) is int and one >= 0 for one in numbers):
        raise ValueError(f"has a shape or a place of {name!r} that are not whole numbers")
    if math.prod(max(one, 1) for one in numbers[:-2]) > MOST_BYTES:  # torch multiplies them, also beside a 0
        raise ValueError(f"has a shape of {name!r} that is too large")
    if math.prod(shape) * _TYPES[dtype].itemsize != end - start:
        raise ValueError(f"has another number of bytes for {name!r} than its shape needs")
    return Entry(torch.empty(shape, dtype=_TYPES[dtype], device="meta"), first + start)
