"""`python -m sim` is `tickwise`."""

from sim.cli.app import main

main()
