"""Register file: banks, read ports and their window, the register-file cache, write ports (§5).

A fixed-latency instruction passes Allocate when each bank has port-cycles left for its uncached reads within the read
window. `free_slots` takes any free port-cycle of the window (the paper's rule); `in_order` serves the instructions of
a bank strictly one after the other, each as late as its window allows, which is what the A100 probes show.
Operands of variable-latency units come second: they take what the fixed-latency ones left.
"""

from sim.gpu.counters import RF_READS, RF_WRITE_DELAYS, RF_WRITES, RFC_FILLS, RFC_HITS
from sim.gpu.lower import IN_ORDER
from sim.gpu.state import PORT_HORIZON, READ_HORIZON
from sim.jit import njit


@njit
def _tag(warp, register):  # type: ignore[no-untyped-def]
    return (warp << 8 | register) + 1


@njit
def count_reads(cfg, row, sub, warp, cached):  # type: ignore[no-untyped-def]
    """Put the port reads that an instruction needs from each bank into `sub.needed`; `cached` = it may hit the RFC."""
    banks = int(cfg["banks"])
    needed = sub["needed"]
    for bank in range(banks):
        needed[bank] = 0
    use_cache = cached and int(cfg["rf_cache"]) != 0 and int(row["caches"]) != 0
    for slot in range(int(row["slots"])):
        first = int(row["source"][slot])
        if first < 0:
            continue
        repeated = False
        if int(cfg["merge_reads"]) != 0:
            for earlier in range(slot):
                repeated = repeated or int(row["source"][earlier]) == first
        if repeated:
            continue
        for j in range(int(row["width"][slot])):
            register = first + j
            bank = register % banks
            hit = use_cache and slot < int(cfg["rf_slots"]) and int(sub["cached"][slot][bank]) == _tag(warp, register)
            if not hit:
                needed[bank] = int(needed[bank]) + 1


@njit
def read_cycles(cfg, sub, window):  # type: ignore[no-untyped-def]
    """The read window of an instruction, longer where one bank has more reads than its ports serve in it."""
    if int(cfg["ideal_registers"]) != 0:
        return window
    ports = int(cfg["read_ports"])
    for bank in range(int(cfg["banks"])):
        window = max(window, (int(sub["needed"][bank]) + ports - 1) // ports)
    return window


@njit
def touch_cache(cfg, row, sub, warp, events):  # type: ignore[no-untyped-def]
    """Reading an operand empties its RFC sub-entry, and a set reuse bit fills it again (§5)."""
    if int(cfg["rf_cache"]) == 0 or int(row["caches"]) == 0:
        return
    banks = int(cfg["banks"])
    for slot in range(min(int(row["slots"]), int(cfg["rf_slots"]))):
        first = int(row["source"][slot])
        if first < 0:
            continue
        for j in range(int(row["width"][slot])):
            register = first + j
            bank = register % banks
            if int(sub["cached"][slot][bank]) == _tag(warp, register):
                events[RFC_HITS] += 1
            if int(row["reuse"][slot]) != 0:
                sub["cached"][slot][bank] = _tag(warp, register)
                events[RFC_FILLS] += 1
            else:
                sub["cached"][slot][bank] = 0


@njit
def reserve_window(cfg, sub, cycle, window, events):  # type: ignore[no-untyped-def]
    """Reserve `sub.needed` port reads in the `window` cycles after `cycle`; False if they do not fit."""
    if int(cfg["ideal_registers"]) != 0:
        return True
    banks = int(cfg["banks"])
    ports = int(cfg["read_ports"])
    if int(cfg["read_order"]) == IN_ORDER:
        for bank in range(banks):
            cycles = (int(sub["needed"][bank]) + ports - 1) // ports
            if cycles > 0 and cycle + window - max(int(sub["last_read"][bank]), cycle) < cycles:
                return False
        for bank in range(banks):
            count = int(sub["needed"][bank])
            if count > 0:
                sub["last_read"][bank] = cycle + window
                events[RF_READS] += count
        return True
    for bank in range(banks):
        free = 0
        for ahead in range(1, window + 1):
            at = cycle + ahead
            free += ports
            if int(sub["read_stamp"][bank][at % READ_HORIZON]) == at:
                free -= int(sub["read_used"][bank][at % READ_HORIZON])
        if free < int(sub["needed"][bank]):
            return False
    for bank in range(banks):
        _take_earliest(sub, bank, cycle + 1, ports, int(sub["needed"][bank]), events)
    return True


@njit
def _take_earliest(sub, bank, at, ports, count, events):  # type: ignore[no-untyped-def]
    events[RF_READS] += count
    while count > 0:
        slot = at % READ_HORIZON
        used = int(sub["read_used"][bank][slot]) if int(sub["read_stamp"][bank][slot]) == at else 0
        taken = min(ports - used, count)
        if taken > 0:
            sub["read_stamp"][bank][slot] = at
            sub["read_used"][bank][slot] = used + taken
            count -= taken
        at += 1


@njit
def reserve_leftover(cfg, sub, cycle, events):  # type: ignore[no-untyped-def]
    """Delay of port reads of variable latency that would start in `cycle` + 1, in cycles; -1 = not yet."""
    if int(cfg["ideal_registers"]) != 0:
        return 0
    banks = int(cfg["banks"])
    ports = int(cfg["read_ports"])
    if int(cfg["read_order"]) == IN_ORDER:
        delay = 0
        for bank in range(banks):
            cycles = (int(sub["needed"][bank]) + ports - 1) // ports
            if cycles > 0:
                start = max(cycle + 1, int(sub["last_read"][bank]) + 1)
                delay = max(delay, start - cycle - 1)
                sub["last_read"][bank] = start + cycles - 1
                events[RF_READS] += int(sub["needed"][bank])
        return delay
    at = cycle + 1
    for bank in range(banks):
        if int(sub["needed"][bank]) > 0 and int(sub["read_stamp"][bank][at % READ_HORIZON]) == at:
            if int(sub["read_used"][bank][at % READ_HORIZON]) >= ports:
                return -1
    for bank in range(banks):
        _take_earliest(sub, bank, at, ports, int(sub["needed"][bank]), events)
    return 0


@njit
def write_port_free(cfg, sub, bank, cycle):  # type: ignore[no-untyped-def]
    """True if a result may still be written into `bank` in `cycle`."""
    slot = cycle % PORT_HORIZON
    return int(sub["write_stamp"][bank][slot]) != cycle or int(sub["write_used"][bank][slot]) < int(cfg["write_ports"])


@njit
def take_write_port(sub, bank, cycle, events):  # type: ignore[no-untyped-def]
    """Book one register write."""
    slot = cycle % PORT_HORIZON
    if int(sub["write_stamp"][bank][slot]) != cycle:
        sub["write_stamp"][bank][slot] = cycle
        sub["write_used"][bank][slot] = 0
    sub["write_used"][bank][slot] = int(sub["write_used"][bank][slot]) + 1
    events[RF_WRITES] += 1


@njit
def schedule_result(cfg, row, sub, cycle, events):  # type: ignore[no-untyped-def]
    """Book the writes of a fixed-latency result due in `cycle`; a taken port leaves it in the result queue.

    Consumers do not see the delay: the bypass serves them (§5).
    """
    banks = int(cfg["banks"])
    for j in range(int(row["target_width"])):
        bank = (int(row["target"]) + j) % banks
        at = cycle + j // banks
        while not write_port_free(cfg, sub, bank, at):
            at += 1
            events[RF_WRITE_DELAYS] += 1
        take_write_port(sub, bank, at, events)


@njit
def result_queue_full(cfg, row, sub, cycle):  # type: ignore[no-untyped-def]
    """True if a result due in `cycle` would wait longer than the result queue can hold it."""
    target = int(row["target"])
    if target < 0:
        return False
    bank = target % int(cfg["banks"])
    waited = 0
    while not write_port_free(cfg, sub, bank, cycle + waited):
        waited += 1
        if waited > int(cfg["result_queue"]):
            return True
    return False
