"""The online engine: stochastic gradient descent on one name a step, compiled for this recurrence.

    h_t    = f(V[x_t] + U h_(t-1) + c)          f: identity, tanh or ReLU
    logits = W h_T + b                           (readout "hidden")
    logits = S[x_T] + W h_(T-1) + b              (readout "combined", as in 2017's tutorial)

It gives the same bits on every processor, with any vector width and any number of workers:

- every product-and-sum is an explicit fused multiply-add, which IEEE 754 rounds in one way only;
- no sum is a reduction that a compiler could re-associate: each is a loop over its *outputs*,
  so that vector lanes hold different outputs and never parts of one. Products with the transpose
  therefore use a transposed copy, updated beside the matrix with the same numbers;
- `exp`, `tanh` and `log` are written out below instead of taken from the platform.

`reference.py` holds the same arithmetic as plain autograd; `tests/test_engines.py` holds the two
together. All matrices are float32; the 18 probabilities and the loss of a step are float64.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numba.extending import intrinsic

from surnames import alphabet
from surnames.corpus import Corpus
from surnames.models import stretches

LINEAR, TANH, RELU = 0, 1, 2
ACTIVATIONS = {"linear": LINEAR, "tanh": TANH, "relu": RELU}
compiled = njit(nogil=True, cache=True, error_model="numpy")


@intrinsic
def fma(typing_context: Any, a: Any, b: Any, c: Any) -> Any:
    """a * b + c, rounded once."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fma(*arguments)

    return a(a, b, c), generate


@intrinsic
def reinterpret(typing_context: Any, value: Any, like: Any) -> Any:
    """The bits of `value` read as the type of `like`."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(like))

    return like(value, like), generate


ROUNDER = 1.5 * 2.0**52  # adding it leaves the nearest integer in the low bits of a float64
LOG2_E = 1.4426950408889634
LN2_HIGH, LN2_LOW = 0.6931471803691238, 1.9082149292705877e-10  # fdlibm's split of ln 2


@compiled
def exp(x: float) -> float:
    """e**x for |x| <= 700 (clamped), by reduction to |r| <= ln(2)/2 and Taylor's series."""
    x = min(max(x, -700.0), 700.0)
    shifted = fma(x, LOG2_E, ROUNDER)
    power = shifted - ROUNDER
    r = fma(power, -LN2_LOW, fma(power, -LN2_HIGH, x))
    s = 1.6059043836821613e-10
    s = fma(s, r, 2.08767569878681e-09)
    s = fma(s, r, 2.505210838544172e-08)
    s = fma(s, r, 2.755731922398589e-07)
    s = fma(s, r, 2.7557319223985893e-06)
    s = fma(s, r, 2.48015873015873e-05)
    s = fma(s, r, 0.0001984126984126984)
    s = fma(s, r, 0.001388888888888889)
    s = fma(s, r, 0.008333333333333333)
    s = fma(s, r, 0.041666666666666664)
    s = fma(s, r, 0.16666666666666666)
    s = fma(s, r, 0.5)
    s = fma(s, r, 1.0)
    s = fma(s, r, 1.0)
    bits = reinterpret(shifted, 0)
    return s * reinterpret((bits + 1023) << 52, 0.0)


@compiled
def log(x: float) -> float:
    """ln x for normal x > 0: exponent, then the series of artanh on [sqrt(1/2), sqrt(2)]."""
    bits = reinterpret(x, 0)
    power = ((bits - 0x3FE6A09E667F3BCD) >> 52) * 1.0
    m = reinterpret(bits - (((bits - 0x3FE6A09E667F3BCD) >> 52) << 52), 0.0)
    z = (m - 1.0) / (m + 1.0)
    square = z * z
    s = 0.0
    for k in range(12, -1, -1):
        s = fma(s, square, 1.0 / (2 * k + 1))
    return fma(power, LN2_HIGH, fma(power, LN2_LOW, 2.0 * z * s))


@compiled
def activate(values: np.ndarray, activation: int) -> None:
    """f, in place."""
    if activation == RELU:
        for j in range(values.size):
            values[j] = max(values[j], np.float32(0.0))
    elif activation == TANH:
        for j in range(values.size):
            values[j] = np.float32(1.0 - 2.0 / (exp(2.0 * np.float64(values[j])) + 1.0))


@compiled
def times_derivative(gradient: np.ndarray, values: np.ndarray, activation: int) -> None:
    """gradient *= f', where f' is read off f's values, in place."""
    if activation == RELU:
        for j in range(values.size):
            gradient[j] = gradient[j] if values[j] > 0 else np.float32(0.0)
    elif activation == TANH:
        for j in range(values.size):
            gradient[j] *= np.float32(1.0) - values[j] * values[j]


@compiled
def add_product(out: np.ndarray, rows: np.ndarray, scales: np.ndarray) -> None:
    """out += scales @ rows, added row by row; eight rows a pass, so that `out` stays in registers.

    out (outputs,), rows (inputs, outputs), scales (inputs,).
    """
    inputs, k = scales.size, 0
    while k + 8 <= inputs:
        s0, s1, s2, s3 = scales[k], scales[k + 1], scales[k + 2], scales[k + 3]
        s4, s5, s6, s7 = scales[k + 4], scales[k + 5], scales[k + 6], scales[k + 7]
        for j in range(out.size):
            total = fma(rows[k, j], s0, out[j])
            total = fma(rows[k + 1, j], s1, total)
            total = fma(rows[k + 2, j], s2, total)
            total = fma(rows[k + 3, j], s3, total)
            total = fma(rows[k + 4, j], s4, total)
            total = fma(rows[k + 5, j], s5, total)
            total = fma(rows[k + 6, j], s6, total)
            out[j] = fma(rows[k + 7, j], s7, total)
        k += 8
    while k < inputs:
        for j in range(out.size):
            out[j] = fma(rows[k, j], scales[k], out[j])
        k += 1


@compiled
def add_outer_products(matrix: np.ndarray, left: np.ndarray, right: np.ndarray) -> None:
    """matrix += sum over t of left[t] right[t]', added in the order of t.

    matrix (m, n), left (times, m), right (times, n). `times` is at most about twenty.
    """
    times, t = left.shape[0], 0
    while t + 4 <= times:
        for i in range(matrix.shape[0]):
            s0, s1, s2, s3 = left[t, i], left[t + 1, i], left[t + 2, i], left[t + 3, i]
            for j in range(matrix.shape[1]):
                total = fma(right[t, j], s0, matrix[i, j])
                total = fma(right[t + 1, j], s1, total)
                total = fma(right[t + 2, j], s2, total)
                matrix[i, j] = fma(right[t + 3, j], s3, total)
        t += 4
    while t + 2 <= times:
        for i in range(matrix.shape[0]):
            s0, s1 = left[t, i], left[t + 1, i]
            for j in range(matrix.shape[1]):
                matrix[i, j] = fma(right[t + 1, j], s1, fma(right[t, j], s0, matrix[i, j]))
        t += 2
    if t < times:
        for i in range(matrix.shape[0]):
            for j in range(matrix.shape[1]):
                matrix[i, j] = fma(right[t, j], left[t, i], matrix[i, j])


@compiled
def softmax(logits: np.ndarray, probabilities: np.ndarray) -> None:
    """probabilities (float64) = softmax of logits (float32), shifted by their maximum."""
    top = logits[0]
    for k in range(1, logits.size):
        top = max(top, logits[k])
    total = 0.0
    for k in range(logits.size):
        probabilities[k] = exp(np.float64(logits[k]) - np.float64(top))
        total += probabilities[k]
    for k in range(logits.size):
        probabilities[k] /= total


@compiled
def forward(
    V: np.ndarray, Ut: np.ndarray, c: np.ndarray, S: np.ndarray, Wt: np.ndarray, b: np.ndarray,
    activation: int, name: np.ndarray, h: np.ndarray, logits: np.ndarray,
) -> int:  # fmt: skip
    """Read one name; fills h[1:] (h[0] is the initial state, zero) and the logits.

    Returns how many states the logits depend on. The combined readout (S not empty) looks at the
    last letter beside the state *before* it, so the last state is not even computed.
    """
    combined = S.shape[0] > 0
    reads = name.size - 1 if combined else name.size
    for t in range(reads):
        state = h[t + 1]
        for j in range(c.size):
            state[j] = V[name[t], j] + c[j]
        if t > 0:
            add_product(state, Ut, h[t])
        activate(state, activation)
    logits[:] = b
    if combined:
        logits += S[name[name.size - 1]]
    if reads > 0:
        add_product(logits, Wt, h[reads])
    return reads


@compiled
def train_steps(
    V: np.ndarray, U: np.ndarray, Ut: np.ndarray, c: np.ndarray,
    S: np.ndarray, W: np.ndarray, Wt: np.ndarray, b: np.ndarray,
    activation: int, learning_rate: float, letters: np.ndarray, offsets: np.ndarray,
    languages: np.ndarray, examples: np.ndarray, h: np.ndarray, D: np.ndarray,
) -> tuple[float, int]:  # fmt: skip
    """One step of gradient descent on each of `examples`, in place.

    h, D (longest name + 1, hidden): room for the states and for -learning_rate * the gradient of
    the loss by each state's pre-activation. Returns the sum of the losses (nats) and the number of
    names read right; the sum is not finite once the network has diverged.
    """
    logits = np.empty(b.size, np.float32)
    probabilities = np.empty(b.size, np.float64)
    descent = np.empty((1, b.size), np.float32)  # -learning_rate * gradient by the logits
    total_loss, right = 0.0, 0
    for example in examples:
        name = letters[offsets[example] : offsets[example + 1]]
        language = languages[example]
        reads = forward(V, Ut, c, S, Wt, b, activation, name, h, logits)
        softmax(logits, probabilities)
        total_loss -= log(max(probabilities[language], 1e-300))
        if not np.isfinite(probabilities[language]):
            return np.nan, right
        best = 0
        for k in range(b.size):
            best = k if probabilities[k] > probabilities[best] else best
            gradient = probabilities[k] - (1.0 if k == language else 0.0)
            descent[0, k] = np.float32(-learning_rate * gradient)
        right += best == language

        for t in range(reads, 0, -1):
            D[t] = np.float32(0.0)
            if t == reads:
                add_product(D[t], W, descent[0])
            else:
                add_product(D[t], U, D[t + 1])
            times_derivative(D[t], h[t], activation)

        b += descent[0]
        if S.shape[0] > 0:
            S[name[name.size - 1]] += descent[0]
        if reads > 0:
            add_outer_products(W, descent, h[reads : reads + 1])
            add_outer_products(Wt, h[reads : reads + 1], descent)
            for t in range(1, reads + 1):
                V[name[t - 1]] += D[t]
                c += D[t]
        if reads > 1:
            add_outer_products(U, D[2 : reads + 1], h[1:reads])
            add_outer_products(Ut, h[1:reads], D[2 : reads + 1])
    return total_loss, right


@compiled
def score_names(
    V: np.ndarray, Ut: np.ndarray, c: np.ndarray, S: np.ndarray, Wt: np.ndarray, b: np.ndarray,
    activation: int, letters: np.ndarray, offsets: np.ndarray, h: np.ndarray,
    probabilities: np.ndarray,
) -> None:  # fmt: skip
    """probabilities[i] = softmax of the logits of name i, for every name."""
    logits = np.empty(b.size, np.float32)
    for i in range(offsets.size - 1):
        forward(V, Ut, c, S, Wt, b, activation, letters[offsets[i] : offsets[i + 1]], h, logits)
        softmax(logits, probabilities[i])


@dataclass(frozen=True)
class Layout:
    """The weights as the kernels walk them; `U` and `Ut`, `W` and `Wt` are transposes."""

    V: np.ndarray  # (letters, hidden)
    U: np.ndarray  # (hidden, hidden)
    Ut: np.ndarray
    c: np.ndarray  # (hidden,)
    S: np.ndarray  # (letters, languages); no rows where the readout is hidden
    W: np.ndarray  # (languages, hidden)
    Wt: np.ndarray
    b: np.ndarray  # (languages,)

    @classmethod
    def of(cls, weights: dict[str, np.ndarray]) -> "Layout":
        """A copy of weights that are stored as those of torch.nn.Linear on [letter ; state]."""
        cell, readout = weights["cell.weight"], weights["readout.weight"]
        hidden = cell.shape[0]
        V, U = np.split(cell, [cell.shape[1] - hidden], axis=1)
        S, W = np.split(readout, [readout.shape[1] - hidden], axis=1)
        parts = (V.T, U, U.T, weights["cell.bias"], S.T, W, W.T, weights["readout.bias"])
        return cls(*(np.array(part, np.float32, order="C") for part in parts))

    def weights(self) -> dict[str, np.ndarray]:
        """The weights as torch.nn.Linear stores them."""
        return {
            "cell.weight": np.hstack([self.V.T, self.U]),
            "cell.bias": self.c.copy(),
            "readout.weight": np.hstack([self.S.T, self.W]),
            "readout.bias": self.b.copy(),
        }


def train(
    layout: Layout,
    activation: str,
    corpus: Corpus,
    examples: np.ndarray,
    learning_rate: float,
    progress: Callable[[int], None],
) -> list[tuple[int, float, float]]:
    """Train in place on the rows `examples` of the corpus; returns the learning curve.

    The curve has (step, mean loss in nats, share right) for each stretch; it ends where the loss is
    no longer a number.
    """
    letters, offsets = corpus.encoded
    h, D = _room(layout, offsets), _room(layout, offsets)
    curve = []
    for first, end in stretches(len(examples)):
        part = examples[first:end]
        loss, right = train_steps(
            layout.V, layout.U, layout.Ut, layout.c, layout.S, layout.W, layout.Wt, layout.b,
            ACTIVATIONS[activation], learning_rate, letters, offsets, corpus.languages, part, h, D,
        )  # fmt: skip
        curve.append((end, loss / len(part), right / len(part)))
        progress(len(part))
        if not np.isfinite(loss):
            break
    return curve


def probabilities(layout: Layout, activation: str, names: list[str]) -> np.ndarray:
    """(names, languages) float64: what the network says after the last letter of each name."""
    letters, offsets = alphabet.encode(names)
    scores = np.empty((len(names), layout.b.size))
    score_names(
        layout.V, layout.Ut, layout.c, layout.S, layout.Wt, layout.b, ACTIVATIONS[activation],
        letters, offsets, _room(layout, offsets), scores,
    )  # fmt: skip
    return scores


def _room(layout: Layout, offsets: np.ndarray) -> np.ndarray:
    longest = int(np.diff(offsets).max(initial=0))
    return np.zeros((longest + 1, layout.c.size), np.float32)
