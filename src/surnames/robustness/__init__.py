"""The grid of objections: the comparison by other learning rates, sizes, drawings and lengths."""
