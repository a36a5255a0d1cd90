"""Where an address lies: slice and slice-local address on a chip; bank group, bank, row and column in a channel.

Both maps are bijections, and both have their inverse here. The chip's map spreads blocks of `interleave` bytes over any
number of slices; its hash turns each group of blocks by a fold of the upper address bits, so that power-of-two strides
do not meet in few slices (the vendors' hashes are not public). The channel's map is a choice of address bits; its hash
is a permutation of banks by the row, as in Zhang et al. (MICRO 2000), with all row bits folded in, so that neither
neighbouring rows nor rows at regular distances meet in few banks.
"""

from sim.jit import njit
from sim.memory.dram_state import COLUMN_FIELD

#: Bits to which the slice hash folds: enough for 160 slices, and odd, so that few strides repeat in step with it.
_FOLD = 9
#: Odd factor before folding: without it strides such as 5 x 2^n meet in a third of the slices.
_FACTOR = 11


@njit
def mix(group):  # type: ignore[no-untyped-def]
    """By how many slices the blocks of a group are turned: an XOR-fold of the group's number."""
    rest = group * _FACTOR
    turn = 0
    while rest > 0:
        turn ^= rest & ((1 << _FOLD) - 1)
        rest >>= _FOLD
    return turn


@njit
def place_of(address, interleave, slices, hashed):  # type: ignore[no-untyped-def]
    """Slice of a byte address, and the byte address inside that slice.

    Each aligned group of `slices` blocks has one block in every slice. Addresses are not negative.
    """
    block = address // interleave
    group = block // slices
    turn = mix(group) if hashed != 0 else 0
    return (block + turn) % slices, group * interleave + address % interleave


@njit
def address_of(slice_, local, interleave, slices, hashed):  # type: ignore[no-untyped-def]
    """The inverse of `place_of`: the byte address that lies at `local` in a slice."""
    group = local // interleave
    turn = mix(group) if hashed != 0 else 0
    return (group * slices + (slice_ - turn) % slices) * interleave + local % interleave


@njit
def decode(dram, address):  # type: ignore[no-untyped-def]
    """Bank group, bank of the channel, row and column of a channel-local byte address."""
    row = address >> int(dram["row_shift"])
    bank = 0
    column = 0
    for i in range(int(dram["pieces"])):
        bits = (address >> int(dram["piece_shift"][i]) & int(dram["piece_mask"][i])) << int(dram["piece_position"][i])
        if int(dram["piece_field"][i]) == COLUMN_FIELD:
            column |= bits
        else:
            bank |= bits
    bank ^= _turn(dram, row)
    return bank >> int(dram["bank_bits"]), bank, row, column


@njit
def encode(dram, bank, row, column):  # type: ignore[no-untyped-def]
    """The inverse of `decode`: the first byte of an atom; `bank` counts all banks of the channel."""
    bank ^= _turn(dram, row)
    address = row << int(dram["row_shift"])
    for i in range(int(dram["pieces"])):
        field = column if int(dram["piece_field"][i]) == COLUMN_FIELD else bank
        address |= (field >> int(dram["piece_position"][i]) & int(dram["piece_mask"][i])) << int(dram["piece_shift"][i])
    return address


@njit
def _turn(dram, row):  # type: ignore[no-untyped-def]
    """By which bits of the bank, its group included, a row is moved to another bank."""
    return mix(row) & (int(dram["banks"]) - 1) if int(dram["hashed"]) != 0 else 0
