"""What git holds of the results: the README's block, docs/findings.md, the stamped report."""
