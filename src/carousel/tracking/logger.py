"""What Lightning logs a training with."""

from pytorch_lightning.loggers import MLFlowLogger


class RunLogger(MLFlowLogger):
    """Lightning's own, but that the run goes on when a fit ends: a training may have a second one."""

    def finalize(self, status: str = "success") -> None:
        """Leave the run's end to whoever started it."""
