"""Write the page that lists every field of every task's configuration."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro
from rich.console import Console

from legged_gym import envs  # noqa: F401  (registers the tasks)
from legged_gym.utils import task_registry
from legged_gym.utils.cli import run_main
from legged_gym.utils.config_reference import reference_page
from legged_gym.utils.errors import RunError
from legged_gym.utils.paths import PACKAGE_ROOT

PAGE = PACKAGE_ROOT.parent / "doc" / "config.md"
INTRODUCTION = """\
# Configuration

Every field of every task, made from the dataclasses by `python legged_gym/scripts/document_config.py`. Each is an
option of `train.py`, `play.py`, `evaluate.py`, `export.py` and `benchmark.py` under the name in the first column, as in
`--env.sim.dt=0.005`, and a key of the file that `--config` names. Values are typed as shown: lists `[a, b]` or `a,b`,
mappings `{knee: 100}`, and `None` where it is allowed. `--task NAME --help` prints the same for one task;
presets change some of it, see [tasks](tasks.md).
"""


@dataclass
class DocumentArgs:
    """Write the page that lists every field of every task's configuration, doc/config.md.

    Examples:
      document_config.py
      document_config.py --check
    """

    out: Path = PAGE
    """File to write, or to compare with."""
    check: bool = False
    """Write nothing; status 1 when the file is not what would be written."""


def document_config(argv: list[str]) -> int:
    """Parse, then write or compare. Returns the exit status."""
    args = tyro.cli(DocumentArgs, args=argv, use_underscores=True)
    console = Console()
    page = reference_page(task_registry.all_tasks(), INTRODUCTION)
    try:
        if not args.check:
            args.out.write_text(page, encoding="utf-8")
            console.print(f"wrote {args.out}", soft_wrap=True)
        elif not args.out.is_file() or args.out.read_text(encoding="utf-8") != page:
            make = "python legged_gym/scripts/document_config.py"
            console.print(f"{args.out} is not current; remake it with: {make}", soft_wrap=True)
            return 1
    except OSError as error:
        raise RunError(f"cannot use {args.out}: {error.strerror}") from None
    return 0


def main() -> None:
    """Entry of ``vmg-document-config``."""
    run_main(document_config)


if __name__ == "__main__":
    main()
