"""Run every benchmark, one after the other, and write what they measure into docs/performance.md.

    python -m bench.page [training losses cells crf scaling profile]

Takes about a quarter of an hour on two cores, which should have nothing else to do.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from bench.training import PEERS

PAGE, RESULTS = Path("docs/performance.md"), Path("docs/performance.json")
BEGIN, END = "<!-- measured: make bench writes from here -->", "<!-- to here -->"
BENCHMARKS = {"training": ["--peers"], "losses": [], "cells": [], "crf": [], "scaling": [], "profile": []}


def measure(name: str) -> dict[str, Any]:
    """Run a benchmark in a process of its own, let its lines through, and return its last one."""
    print(f"\n== bench.{name}", flush=True)
    last = ""
    with subprocess.Popen(
        [sys.executable, "-m", f"bench.{name}", *BENCHMARKS[name]], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            last = line
    if process.returncode:
        sys.exit(f"error: bench.{name} failed; its own lines say why")
    found: dict[str, Any] = json.loads(last)
    return found


def machine() -> dict[str, Any]:
    """Describe the machine as far as it decides speed."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    model = next(
        (line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor()
    )
    capabilities = torch.cpu.get_capabilities()
    names = ("avx2", "avx512_f", "avx512_bf16", "amx_bf16")
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "instructions": [name for name in names if capabilities.get(name)],
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
    }


def table(head: list[str], rows: list[list[Any]]) -> str:
    """Return a Markdown table."""
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in [head, ["---"] * len(head), *rows])


def measured(results: dict[str, Any]) -> str:
    """Return the measured part of the page."""
    on, training = results["machine"], results["training"]
    instructions = ", ".join(on["instructions"]) or "none of AVX2, AVX-512 and AMX"
    return "\n\n".join(
        [
            f"Measured on {on['date']}: {on['processor']}, {on['cores']} cores ({instructions}), {on['system']}, "
            f"Python {on['python']}, torch {on['torch']}, {training['precision']}. Medians of "
            f"{training['repeats']} repeats, taken in turns.",
            _rates(training),
            f"- **Share of the bound**: {training['share_of_bound']:.0%} of what the machine's own matrix product "
            f"allows ({training['bound_gflops']} GFLOP/s, 4.7 MFLOP a token).\n"
            f"- **Trainer overhead**: {training['trainer_overhead']:+.1%}, Lightning beside the same steps in a "
            "plain loop.\n"
            f"- **Data loading**: {training['data_share']:.2%} of the time.",
            "Mean training loss by epoch and its deviation over three seeds: same model, documents, optimizer and, "
            "nearly, number of steps, with batches filled at random and by length:",
            _losses(results["losses"]),
            "### Cells",
            _cells(results["cells"]),
            "### CRF",
            "Log-likelihood of 64 sentences of 5 to 40 words and its gradients, milliseconds:",
            _crf(results.get("crf", {})),
            "### Growth",
            _growth(results["scaling"]),
            "### Where a step's time goes",
            table(["part", "share"], [[part, f"{share:.1%}"] for part, share in results["profile"].items()]),
        ]
    )


def _rates(training: dict[str, Any]) -> str:
    rows = [
        ["Carousel, as the pipeline trains", f"{training['tokens_per_second']:,}", ""],
        [
            "a tutorial's loop: shuffled batches, PackedSequence, fp32",
            f"{training['tutorial_tokens_per_second']:,}",
            training["ratio_tutorial"],
        ],
    ]
    for name, peer in PEERS.items():
        if f"ratio_{name}" in training:
            threads = training[f"{name}_threads"]
            better = f"{peer.title}, {threads} thread{'s' if threads > 1 else ''} (its better)"
            rows.append([better, f"{training[f'{name}_tokens_per_second']:,}", training[f"ratio_{name}"]])
    return table(["", "real tokens a second", "Carousel is faster by"], rows)


def _losses(losses: dict[str, Any]) -> str:
    epochs = range(1, len(losses["shuffled"]["mean"]) + 1)
    rows = [
        [name, *(f"{m:.3f} ± {d:.3f}" for m, d in zip(found["mean"], found["deviation"], strict=True))]
        for name, found in losses.items()
    ]
    return table(["", *epochs], rows)


def _cells(cells: dict[str, Any]) -> str:
    rows = [[f"`{cell}`", f"{row['tokens_per_second']:,}", row["ratio_lstm"]] for cell, row in cells.items()]
    return table(["cell", "real tokens a second", "times the LSTM's"], rows)


def _crf(crf: dict[str, Any]) -> str:
    head = ["tags", "Carousel", "pytorch-crf 0.7.2", "Carousel is faster by"]
    return table(head, [[tags, row["carousel"], row["pytorch_crf"], row["ratio"]] for tags, row in crf.items()])


def _growth(scaling: dict[str, Any]) -> str:
    parts = {
        "tokens": "training, seconds by tokens",
        "time": "a step, seconds by document length",
        "layers": "by layers",
    }
    rows = [
        [
            title,
            ", ".join(f"{size}: {seconds:g}" for size, seconds in scaling[part].items()),
            scaling[f"{part}_exponent"],
        ]
        for part, title in parts.items()
    ]
    return table(["", "measured", "exponent"], rows)


def main() -> None:
    """Measure, and put the results between the page's two marks."""
    parser = argparse.ArgumentParser(description="Run benchmarks and write docs/performance.md.")
    parser.add_argument(
        "names", nargs="*", choices=[*BENCHMARKS, []], help="these alone; the others stay as they are"
    )
    names = parser.parse_args().names or list(BENCHMARKS)
    results = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    results["machine"] = machine()
    for name in names:  # each is written at once: the whole takes long, and one may fail
        results[name] = measure(name)
        write(results)
        print(f"written: {PAGE}, {RESULTS}")


def write(results: dict[str, Any]) -> None:
    """Write the page and the figures behind it."""
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n\n{measured(results)}\n\n{END}{after}", "utf-8")
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
