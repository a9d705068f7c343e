"""The report, a page that needs nothing else, and the data card."""
