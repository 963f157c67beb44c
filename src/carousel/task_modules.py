"""The tasks by name, and where their modules are; a module is imported when it is needed.

A task is a package with the modules `params`, `predictor` and `task`.
"""

import importlib
from types import ModuleType

from carousel.errors import UserError

TASKS = {
    "classification": "carousel.tasks.classification",
}


def module(task: str, name: str) -> ModuleType:
    """Import a module of a task.

    Raises:
        UserError: when there is no such task.
    """
    if task not in list(TASKS):  # what a file has there may be a list, which has no hash
        raise UserError(f"task: should be one of {', '.join(TASKS)}, not {task!r}")
    return importlib.import_module(f"{TASKS[task]}.{name}")
