"""Audits of networks that others wrote, what an audit costs, and what other tools see of planted faults."""
