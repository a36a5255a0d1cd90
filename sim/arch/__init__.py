"""What the hardware is: YAML configurations, validated, in base units, with a source for every value.

Others use what is listed in `__all__`; the rest is private to the package.
"""

from sim.arch.load import Arch, check_file, load_arch, parse_overrides
from sim.arch.problems import InvalidConfiguration
from sim.arch.registry import config_root, names
from sim.arch.schema import GpuConfig

__all__ = [
    "Arch",
    "GpuConfig",
    "InvalidConfiguration",
    "check_file",
    "config_root",
    "load_arch",
    "names",
    "parse_overrides",
]
