"""Damage and forge bundles by seed, in a process of its own: `python -m tests.support.fuzzing mutated 100 FOLDER`.

An alarm ends the process where a bundle takes longer than 20 seconds; the file `case` in the folder names it.
"""

import base64
import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from carousel import predictor
from carousel.bundle.bundle import CONFIG, Bundle, BundleError
from carousel.text import subwords
from carousel.text.tokenizer import PART as TOKENIZER
from tests.support import classifiers, forged

SECONDS = 20  # until a bundle counts as one without end
TEXTS = ["the cat sat on the mat", "", "\x00 日本 \x1b[2J"]
NASTY: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 7, 10**9, 10**18, 10**40, 1.0, 0.0, -0.5, 1e308, 1e-300, "", "a", "lstm",
    "\x1b[2J", "x" * 10_000, [], [[]], [1] * 1000, {}, {"a": 1}, ["a", "a"], "(a+)+$", "none", "full", "chunked",
    "transformer", "attention", "bpe", "nfc",
)  # fmt: skip


def spelled() -> Bundle:
    """A classifier with a subword tokenizer."""
    bundle = classifiers.make_bundle()
    trained = subwords.train("unigram", ("nfc",), ["the cat sat on the mat", "a dog ran to the mat"] * 5, 300)
    return replace(bundle, parts=bundle.parts | {TOKENIZER: trained.to_json().encode()})


def mutated(source: Path, folder: Path, other: Path, chance: random.Random) -> None:
    """Damage one to three files of a copy of a bundle."""
    shutil.copytree(source, folder)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        file = chance.choice(sorted(folder.iterdir()))
        if not file.is_file() or file.is_symlink() or file.stat().st_size > 1 << 20:
            continue
        content = file.read_bytes()
        first, last = sorted(chance.randrange(len(content) + 1) for _ in range(2))
        last = min(last, first + chance.choice((1, 8, 100, 1000)))
        kind = chance.randrange(12)
        if kind < 7:
            middle = (
                bytes(byte ^ (1 << chance.randrange(8)) for byte in content[first:last]),
                b"",
                bytes(last - first),
                content[first:last] * chance.choice((2, 50)),
                chance.randbytes(chance.choice((1, 4, 300))),
                json.dumps(chance.choice(NASTY)).encode(),
                b'[{"a":' * 5000,
            )[kind]
            file.write_bytes(content[:first] + middle + content[last:])
        elif kind == 7:
            file.write_bytes(content[:first])
        elif kind == 8:
            shutil.copyfile(other / file.name if (other / file.name).exists() else other / CONFIG, file)
        elif kind == 9:
            file.write_bytes(json.dumps(damaged(parsed(content), chance)).encode())
        elif kind == 10:
            os.truncate(file, chance.choice((1 << 20, 200 << 20, 2 << 30)))
        else:
            file.unlink()
            special = (os.mkfifo, Path.mkdir, lambda path: path.symlink_to(path.name), Path.touch)
            special += (lambda path: path.symlink_to("/dev/zero"), lambda path: path.symlink_to("/proc/kmsg"))
            chance.choice(special)(file)


def forge(bundle: Bundle, chance: random.Random) -> Bundle:
    """Return a bundle with other content, whose fingerprints will be right."""
    for _ in range(chance.choice((1, 1, 2))):
        where = chance.choice(("config", "config", "part", "tensor", "tensor", "tensor"))
        if where == "config":
            config = damaged(json.loads(json.dumps(bundle.config)), chance)
            bundle = replace(bundle, config=config if isinstance(config, dict) else {})
        elif where == "part":
            name = chance.choice(sorted(bundle.parts))
            bundle = replace(bundle, parts=bundle.parts | {name: forged_part(bundle.parts[name], chance)})
        else:
            name = chance.choice(sorted(bundle.tensors))
            tensors = dict(bundle.tensors)
            changed = forged_tensor(tensors.pop(name), chance)
            tensors[name if chance.random() < 0.9 else f"{name}\x1b[2J"] = changed
            bundle = replace(bundle, tensors=tensors)
    return bundle if chance.random() < 0.95 else replace(bundle, task=chance.choice(("tagging", "a" * 999, "")))


def forged_part(content: bytes, chance: random.Random) -> bytes:
    """Return another part: JSON with another value, or bytes that were changed."""
    value = parsed(content)
    if value is not None and chance.random() < 0.7:
        if isinstance(value, dict) and "model" in value and chance.random() < 0.7:
            model = bytearray(base64.b64decode(value["model"]))
            for _ in range(chance.choice((1, 5, 100))):
                model[chance.randrange(len(model))] = chance.randrange(256)
            value["model"] = base64.b64encode(bytes(model[: chance.randrange(len(model)) or None])).decode()
            return json.dumps(value).encode()
        return json.dumps(damaged(value, chance)).encode()
    lines = content.splitlines(keepends=True)
    place = chance.randrange(len(lines) + 1)
    ways: tuple[Callable[[], bytes], ...] = (
        lambda: b"".join(lines[:place]),
        lambda: b"".join([*lines[:place], *lines]),
        lambda: b"".join(lines) + b"word\n",
        lambda: b"".join(lines) + b"\n" * 900_000,
        lambda: b"".join(lines) + bytes(1 << 20),
        lambda: chance.randbytes(100),
        lambda: b"[" * 100_000,
        lambda: b"[" + b"[]," * 400_000 + b"[]]",
    )
    return chance.choice(ways)()


def forged_tensor(tensor: torch.Tensor, chance: random.Random) -> torch.Tensor:
    """Return a tensor of other values, type or shape."""
    kind = chance.randrange(7)
    if kind == 0:
        return tensor.to(chance.choice((torch.float64, torch.float16, torch.int64, torch.int32, torch.uint8)))
    if kind == 1:
        return torch.zeros(chance.choice(((), (0,), (1,), (7, 7), (2_000_000,), (3, *tensor.shape))))
    changed = tensor.clone().reshape(-1)
    if not changed.numel():
        return tensor
    place = chance.randrange(changed.numel())
    if not changed.is_floating_point():
        limits = torch.iinfo(changed.dtype)
        changed[place] = chance.choice((limits.min, limits.max, -1, 0, 1, 10**6))
    elif kind == 2:
        changed[place] = chance.choice((float("nan"), float("inf"), -float("inf")))
    else:
        changed.mul_(chance.choice((0.0, -1.0, 1e6, 1e30, 3e38, 1e-40)))
        changed = torch.nan_to_num(changed)
    return changed.reshape(tensor.shape)


def damaged(value: Any, chance: random.Random) -> Any:
    """Return JSON with one value replaced, removed, added or renamed, at any depth."""
    if isinstance(value, dict) and value and chance.random() < 0.9:
        key = chance.choice(sorted(value))
        kind = chance.randrange(10)
        if kind == 0:
            return {name: inner for name, inner in value.items() if name != key}
        if kind == 1:
            return value | {chance.choice(("other", "\x1b[2J", "a" * 5000)): chance.choice(NASTY)}
        return value | {key: damaged(value[key], chance)}
    if isinstance(value, list) and value and chance.random() < 0.7:
        place = chance.randrange(len(value))
        kind = chance.randrange(4)
        if kind == 0:
            return value[:place] + value[place + 1 :]
        if kind == 1:
            return value + value[: place + 1] * chance.choice((1, 1000))
        return [*value[:place], damaged(value[place], chance), *value[place + 1 :]]
    return chance.choice(NASTY)


def parsed(content: bytes) -> Any:
    """Return the JSON of a file; None where it is none."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def megabytes(field: str) -> float:
    """Return a line of the process's status, such as `VmHWM`, the largest resident memory."""
    status = Path("/proc/self/status").read_text()
    return int(status.split(f"{field}:")[1].split()[0]) / 1024


def main(how: str, count: int, folder: Path) -> None:
    """Try so many bundles, and print what was found as JSON."""
    kinds = {**forged.KINDS, "subwords": spelled}
    whole = {name: make() for name, make in kinds.items()}
    for name, bundle in whole.items():
        forged.write(bundle, folder / "whole" / name)
        if name != "subwords":  # its vocabulary is of words, which is enough to load it
            predictor.load(folder / "whole" / name).predict(TEXTS)
    refused, longest, largest, names = 0, 0.0, 0.0, sorted(whole)
    for number in range(count):
        (folder / "case").write_text(str(number))
        chance, place = random.Random(f"{how} {number}"), folder / "bundle"
        name, other = chance.choice(names), chance.choice(names)
        if how == "mutated":
            mutated(folder / "whole" / name, place, folder / "whole" / other, chance)
        else:
            forged.write(forge(whole[name], chance), place)
        Path("/proc/self/clear_refs").write_text("5")  # VmHWM begins again
        before, began = megabytes("VmRSS"), time.process_time()
        signal.alarm(SECONDS)
        try:
            loaded = predictor.load(place)
            list(loaded.predict(TEXTS))
            if how == "mutated":
                assert loaded.to_bundle().fingerprint in {one.fingerprint for one in whole.values()}, number
        except BundleError as error:
            line = str(error)
            assert len(line) <= 300, (number, line)
            assert line.isprintable(), (number, line)
            refused += 1
        signal.alarm(0)
        longest = max(longest, time.process_time() - began)  # of the processor: the machine may be busy
        largest = max(largest, megabytes("VmHWM") - before)
        shutil.rmtree(place)
    found = {"bundles": count, "refused": refused}
    print(json.dumps(found | {"longest_s": round(longest, 2), "largest_mb": round(largest)}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
