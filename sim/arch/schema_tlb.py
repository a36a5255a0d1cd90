"""Keys of address translation: TLB levels, the page table and the page walkers."""

from pydantic import Field

from sim.arch.schema_base import Count, CountOrZero, Cycles, Part, Size


class Tlb(Part):
    """One level of TLBs."""

    entries: CountOrZero = Field(
        description="Translations that one TLB holds; 0: the chip has no such level, which then takes no time."
    )
    ways: Count = Field(description="Entries of one set; as many as the TLB has entries: fully associative.")
    latency: Cycles = Field(description="Cycles of a lookup, whether or not it finds the page.")
    sharers: Count = Field(
        description="SMs with consecutive numbers that share one TLB of this level; requests of sharers of the first "
        "level for a page that one of them has asked for wait for its answer."
    )


class PageTable(Part):
    """The radix tree that a walk reads, and where it lies."""

    smallest_page: Size = Field(description="Bytes that an entry of the last level maps.")
    bits: list[Count] = Field(min_length=1, description="Address bits that index a table, by level, the root first.")
    entry: list[Size] = Field(min_length=1, description="Bytes of an entry, by level, the root first.")
    reserved: Size = Field(
        description="Physical memory for tables; addresses that need more of them apart share entries."
    )


class WalkCache(Part):
    """Entries of the upper levels that walkers keep; the entry that maps a page is left to the TLBs."""

    entries: list[CountOrZero] = Field(min_length=1, description="Entries kept, by level, the root first; 0: none.")
    ways: Count = Field(description="Entries of one set; a smaller cache is fully associative.")
    latency: Cycles = Field(description="Cycles of a level whose entry is there; levels are asked one by one.")
    miss_latency: Cycles = Field(description="Cycles of a level whose entry is not there, before it is read.")


class Walkers(Part):
    """The pool of page walkers behind the last TLB level."""

    count: Count = Field(description="Walks that can read the page table at once.")
    pages: Count = Field(description="Pages that walk or wait for a walker at once.")
    requests: Count = Field(
        description="Requests that wait for these pages at once, one from each first-level TLB; others queue in order."
    )


class Translation(Part):
    """Virtual addresses: what finding their pages costs."""

    enabled: bool = Field(description="False: a translation takes no time and no traffic, as without these keys.")
    page: Size = Field(description="Page size of the data; a level of the page table must map it.")
    l1: Tlb = Field(description="First level of TLBs.")
    l2: Tlb = Field(description="Second level.")
    l3: Tlb = Field(description="Third level.")
    table: PageTable = Field(description="Page table.")
    walkers: Walkers = Field(description="Page walkers.")
    walk_cache: WalkCache = Field(description="Page-walk caches.")
