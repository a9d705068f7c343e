"""All runs of a study side by side: tables, statistics and verdicts."""
