"""Memory parts that every chip shares: caches, misses, TLBs and page tables, DRAM channels and the address mapping.

Each file is one structure: a commented record type and the small compiled functions that work on it. Nothing here
knows which chip it belongs to; this file imports nothing, so that a part is loaded only by those who use it.
"""
