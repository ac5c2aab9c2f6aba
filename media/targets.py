"""Files that appear whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def made_whole(scrap: str, *targets: str) -> Iterator[tuple[Path, ...]]:
    """Give paths in the folder `scrap`, which is made; move the files into place only if all went well.

    The folder is deleted then; for who is killed meanwhile, somebody else has to. It has to be on the disk of
    the targets.
    """
    folder = Path(scrap)
    folder.mkdir(mode=0o700)
    try:
        made = tuple(folder / Path(target).name for target in targets)
        yield made
        for new, target in zip(made, targets, strict=True):
            new.replace(target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
