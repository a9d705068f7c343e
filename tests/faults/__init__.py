"""Breaks small studies in many ways and counts what is lost: `make faults`."""
