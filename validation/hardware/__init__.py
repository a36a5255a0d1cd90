"""The measuring kit: builds the kernels, checks them on a GPU, measures them and writes one table.

`python -m validation.hardware` is the command; README.md says what it needs, what it measures and how. Nothing here
changes a setting of the card. It needs Python, NumPy, PyYAML and a CUDA compiler, and not the simulator.
"""
