"""The sections of the page: a function of the report's data each, and a template of its name."""
