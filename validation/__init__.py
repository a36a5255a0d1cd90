"""What the simulator is held against: kernels of our own, the kit that measures them on a GPU, and measured data.

`kernels` holds sources, sizes and references; `hardware` builds and measures them (`python -m validation.hardware`).
None of it is needed to simulate, and nothing here imports the simulator.
"""
