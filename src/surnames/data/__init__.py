"""The names: where they come from, how they are cleaned, split and checked."""
