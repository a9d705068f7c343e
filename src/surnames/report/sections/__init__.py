"""The parts of the report, a function of its data each; their sentences stand in templates."""
