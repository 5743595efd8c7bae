"""How lines travel: a bounded queue, one thread, one connection, and a directory for what cannot be sent now.

`shipper.Shipper` puts the parts together; `handler.Handler` is its user.
"""
