"""Numbers in words: shares in percent and in points."""

MINUS = "\N{MINUS SIGN}"


def percent(share: float) -> str:
    """A share in percent to a tenth, without the sign."""
    return f"{100 * share:.1f}"


def points(share: float | None, signed: bool = True) -> str:
    """A share as points to a tenth, with a real minus; "" for None."""
    if share is None:
        return ""
    text = f"{100 * share:+.1f}" if signed else f"{100 * share:.1f}"
    return text.replace("-", MINUS)
