"""Builds the package; pyproject.toml holds everything about it."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithData(build_py):
    """Puts the robots and the motions that lie beside the package into it, where utils/paths.py looks for them."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        for folder in ("resources", "retargeted_data"):
            shutil.copytree(folder, Path(self.build_lib, "legged_gym", "_data", folder), dirs_exist_ok=True)


setup(cmdclass={"build_py": BuildWithData})
