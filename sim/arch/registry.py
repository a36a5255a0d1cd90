"""Where configurations are found by name: those that ship with Tickwise, or any file by its path."""

import difflib
from pathlib import Path

from sim.arch.units import one_line
from sim.errors import ArchError

_PACKAGE = Path(__file__).resolve().parent.parent


def config_root() -> Path:
    """The folder `arch_configs`: inside an installed wheel, else at the root of the checkout."""
    packaged = _PACKAGE / "_data" / "arch_configs"
    return packaged if packaged.is_dir() else _PACKAGE.parent / "arch_configs"


def names(folder: str = "gpu") -> list[str]:
    """Names of the files of one folder of `arch_configs`, sorted."""
    return sorted(path.stem for path in (config_root() / folder).glob("*.yaml"))


def find(name_or_path: str | Path, folder: str = "gpu", beside: Path | None = None) -> Path:
    """The file that a name or a path stands for.

    A name is looked up in `arch_configs/FOLDER`. What holds a slash or ends in .yaml is a path, relative to the folder
    `beside` if one is given, else to the working directory. Raises ArchError with the nearest name.
    """
    text = str(name_or_path)
    shown = one_line(text, 200)
    if isinstance(name_or_path, Path) or "/" in text or "\\" in text or text.endswith((".yaml", ".yml")):
        path = Path(text).expanduser()
        if beside is not None and not path.is_absolute():
            path = beside / path
        if not _is_file(path):
            raise ArchError(f"{shown}: no such file; names of shipped configurations: `tickwise arch list`")
        return path
    path = config_root() / folder / f"{text}.yaml"
    if text in names(folder):
        return path
    near = difflib.get_close_matches(text, names(folder), n=1, cutoff=0.5)
    known = "see `tickwise arch list`" if folder == "gpu" else f"known: {', '.join(names(folder))}"
    hint = f"did you mean {near[0]}?" if near else f"{known}, or give the path of a .yaml file"
    raise ArchError(f"{shown or 'an empty name'}: no such configuration; {hint}")


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # such as a name that is too long
        return False
