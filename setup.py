"""Put a project's files, which lie in this repository's root, into the wheel; `carousel new` copies them."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
TEMPLATE = "carousel/template"


class BuildWithTemplate(build_py):
    """Copy the files that patterns.txt names to `carousel/template/project`."""

    def run(self) -> None:
        """Build the package; an editable installation uses the root itself."""
        super().run()
        if self.editable_mode:
            return
        for pattern in (ROOT / "src" / TEMPLATE / "patterns.txt").read_text("utf-8").split():
            for path in filter(Path.is_file, ROOT.glob(pattern)):
                copy = Path(self.build_lib) / TEMPLATE / "project" / path.relative_to(ROOT)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, copy)


setup(cmdclass={"build_py": BuildWithTemplate})
