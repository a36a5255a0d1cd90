"""The components of the energy figure, declared once: `tickwise explain`, the result and the tables use these names."""

from typing import NamedTuple


class Component(NamedTuple):
    """A part of `energy_j`: its name and what it holds."""

    name: str
    meaning: str


#: Power over time: (component, key of the table's `power` group).
CONSTANT, ACTIVE_SM, IDLE_SM = "constant", "active_sm", "idle_sm"

COMPONENTS: tuple[Component, ...] = (
    Component(CONSTANT, "power that a powered chip draws whatever it does, over the kernel's time"),
    Component(ACTIVE_SM, "leakage and clocks of SMs while they hold a CTA"),
    Component(IDLE_SM, "leakage of SMs while they hold none"),
    Component("frontend", "instruction fetch: instruction buffers and caches"),
    Component("issue", "warp selection and the pipeline's latches, per issued instruction"),
    Component("register_file", "reads and writes of the register file and its cache"),
    Component("int", "integer units"),
    Component("fp32", "32-bit floating-point units"),
    Component("half", "16-bit floating-point units"),
    Component("fp64", "64-bit floating-point units"),
    Component("sfu", "special-function units"),
    Component("tensor", "tensor cores"),
    Component("uniform", "uniform datapath"),
    Component("constant_cache", "constant caches"),
    Component("l1d", "L1 data cache"),
    Component("shared_memory", "shared memory"),
    Component("l2", "L2 slices and the network to them, per sector read or written"),
    Component("dram", "DRAM and its controllers, per burst"),
)
NAMES = tuple(component.name for component in COMPONENTS)
