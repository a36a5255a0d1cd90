"""The GPU: the clocked core of an SM, the dispatcher over SMs, and what they count.

Others use `simulate.simulate_kernel`, `simulate.Follow` and the types and tables of `counters`; importing `simulate`
loads (or compiles) the core, so this file imports nothing.
"""
