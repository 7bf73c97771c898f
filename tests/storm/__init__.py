"""`make storm`: load, faults and attacks on the composed service, and
what was kept of its promises.
"""
