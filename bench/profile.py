"""Where a training step's time goes, operation by operation.

    python -m bench.profile

With one thread, so that every operation is seen where it runs. The last line is one JSON object.
"""

import json
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from bench.documents import documents
from bench.training import by_hand, hparams

# Operations as the profiler names them, by what they are for
PARTS = {
    "recurrence, forward": ("aten::mkldnn_rnn_layer", "aten::lstm"),
    "recurrence, backward": ("aten::mkldnn_rnn_layer_backward", "MkldnnRnnLayerBackward"),
    "reversal of documents": ("aten::gather", "aten::scatter_add"),
    "optimizer and clipping": ("_fused_adamw", "Optimizer", "foreach"),
    "embedding": ("embedding", "index_select"),
    "pooling and padding": ("masked_fill", "amax", "aten::sum", "aten::eq", "aten::mul", "aten::div"),
    "copies": ("aten::cat", "aten::copy_", "aten::fill_", "aten::add"),
}


def run(count: int = 512) -> dict[str, Any]:
    """Profile an epoch, print its table, and return the share of each part."""
    torch.set_num_threads(1)
    encoded = documents(count)
    loop = by_hand(hparams(encoded), encoded)
    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        loop()
    operations = profiled.key_averages()
    print(operations.table(sort_by="self_cpu_time_total", row_limit=20, max_name_column_width=60))
    whole = sum(operation.self_cpu_time_total for operation in operations)
    shares = dict.fromkeys([*PARTS, "the rest"], 0.0)
    for operation in operations:
        shares[_part(operation.key)] += operation.self_cpu_time_total / whole
    return {part: round(share, 3) for part, share in shares.items()}


def _part(operation: str) -> str:
    # The longest name that fits: `aten::mkldnn_rnn_layer_backward` begins with that of the forward pass
    fitting = [(len(name), part) for part, names in PARTS.items() for name in names if name in operation]
    return max(fitting)[1] if fitting else "the rest"


def main() -> None:
    """Profile, print, and end with JSON."""
    print(json.dumps(run()))


if __name__ == "__main__":
    main()
