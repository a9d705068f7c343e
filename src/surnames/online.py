"""The online engine: stochastic gradient descent on one name a step, compiled for this recurrence.

    h_t    = f(V[x_t] + U h_(t-1) + c)          f: identity, tanh or ReLU
    logits = W h_T + b                           (readout "hidden")
    logits = S[x_T] + W h_(T-1) + b              (readout "combined", as in 2017's tutorial)

It gives the same bits on every processor, with any vector width and any number of workers:

- every product-and-sum is an explicit fused multiply-add, which IEEE 754 rounds in one way only;
- no sum is a reduction that a compiler could re-associate: vector lanes hold different *outputs*
  and never parts of one (`lanes.py`). Products with the transpose
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
from surnames.lanes import lanes
from surnames.models import stretches

LINEAR, TANH, RELU = 0, 1, 2
ACTIVATIONS = {"linear": LINEAR, "tanh": TANH, "relu": RELU}
_, load128, store128, fma128 = lanes(128)
_, load16, store16, fma16 = lanes(16)
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
def select(scales: np.ndarray, sparse: bool, order: np.ndarray) -> int:
    """order[:returned] = the rows whose scale is not zero; all of them where few would be left out."""
    if not sparse:
        for k in range(scales.size):
            order[k] = k
        return scales.size
    count = 0
    for k in range(scales.size):
        order[count] = k
        count += scales[k] != 0
    return count


@compiled
def add_product(
    out: np.ndarray, at: int, rows: np.ndarray, scales: np.ndarray, order: np.ndarray, count: int
) -> None:
    """out[at] += scales @ rows, row by row as order[:count] says; from its end if count < 0.

    out (any, outputs), rows (inputs, outputs), scales (inputs,). A recurrent matrix is larger than
    the first-level cache: who sweeps it to and fro instead of always from the top finds most of it
    still there.
    """
    outputs, j = out.shape[1], 0
    first, step, count = (0, 1, count) if count >= 0 else (-count - 1, -1, -count)
    while j + 128 <= outputs:
        wide = load128(out, at, j)
        for n in range(count):
            k = order[first + step * n]
            wide = fma128(load128(rows, k, j), scales[k], wide)
        store128(out, at, j, wide)
        j += 128
    while j + 16 <= outputs:
        total = load16(out, at, j)
        for n in range(count):
            k = order[first + step * n]
            total = fma16(load16(rows, k, j), scales[k], total)
        store16(out, at, j, total)
        j += 16
    while j < outputs:
        for n in range(count):
            k = order[first + step * n]
            out[at, j] = fma(rows[k, j], scales[k], out[at, j])
        j += 1


@compiled
def add_outer_products(matrix: np.ndarray, left: np.ndarray, right: np.ndarray) -> None:
    """matrix += sum over t of left[t] right[t]', added in the order of t.

    matrix (m, n), left (times, m), right (times, n). `times` is at most about twenty.
    """
    outputs, times = matrix.shape[1], left.shape[0]
    for i in range(matrix.shape[0]):
        j = 0
        while j + 128 <= outputs:
            wide = load128(matrix, i, j)
            for t in range(times):
                wide = fma128(load128(right, t, j), left[t, i], wide)
            store128(matrix, i, j, wide)
            j += 128
        while j + 16 <= outputs:
            total = load16(matrix, i, j)
            for t in range(times):
                total = fma16(load16(right, t, j), left[t, i], total)
            store16(matrix, i, j, total)
            j += 16
        while j < outputs:
            for t in range(times):
                matrix[i, j] = fma(right[t, j], left[t, i], matrix[i, j])
            j += 1


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
    activation: int, name: np.ndarray, h: np.ndarray, logits: np.ndarray, order: np.ndarray,
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
            count = select(h[t], activation == RELU, order)
            add_product(h, t + 1, Ut, h[t], order, -count if t % 2 else count)
        activate(state, activation)
    logits[0] = b
    if combined:
        logits[0] += S[name[name.size - 1]]
    if reads > 0:
        add_product(logits, 0, Wt, h[reads], order, select(h[reads], activation == RELU, order))
    return reads


@compiled
def train_steps(
    V: np.ndarray, U: np.ndarray, Ut: np.ndarray, c: np.ndarray,
    S: np.ndarray, W: np.ndarray, Wt: np.ndarray, b: np.ndarray,
    activation: int, learning_rate: float, letters: np.ndarray, offsets: np.ndarray,
    languages: np.ndarray, examples: np.ndarray, h: np.ndarray, D: np.ndarray, order: np.ndarray,
) -> tuple[float, int]:  # fmt: skip
    """One step of gradient descent on each of `examples`, in place.

    h, D (longest name + 1, hidden): room for the states and for -learning_rate * the gradient of
    the loss by each state's pre-activation. Returns the sum of the losses (nats) and the number of
    names read right; the sum is not finite once the network has diverged.
    """
    sparse = activation == RELU
    logits = np.empty((1, b.size), np.float32)
    probabilities = np.empty(W.shape[0], np.float64)
    descent = np.zeros((1, b.size), np.float32)  # -learning_rate * gradient by the logits
    total_loss, right = 0.0, 0
    for example in examples:
        name = letters[offsets[example] : offsets[example + 1]]
        language = languages[example]
        reads = forward(V, Ut, c, S, Wt, b, activation, name, h, logits, order)
        softmax(logits[0, : W.shape[0]], probabilities)
        total_loss -= log(max(probabilities[language], 1e-300))
        if not np.isfinite(probabilities[language]):
            return np.nan, right
        best = 0
        for k in range(W.shape[0]):
            best = k if probabilities[k] > probabilities[best] else best
            gradient = probabilities[k] - (1.0 if k == language else 0.0)
            descent[0, k] = np.float32(-learning_rate * gradient)
        right += best == language

        for t in range(reads, 0, -1):
            D[t] = np.float32(0.0)
            if t == reads:
                scales = descent[0, : W.shape[0]]
                add_product(D, t, W, scales, order, select(scales, False, order))
            else:
                count = select(D[t + 1], sparse, order)
                add_product(D, t, U, D[t + 1], order, -count if t % 2 else count)
            times_derivative(D[t], h[t], activation)

        b += descent[0]
        if S.shape[0] > 0:
            S[name[name.size - 1]] += descent[0]
        if reads > 0:
            add_outer_products(W, descent[:, : W.shape[0]], h[reads : reads + 1])
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
    activation: int, letters: np.ndarray, offsets: np.ndarray, h: np.ndarray, order: np.ndarray,
    probabilities: np.ndarray,
) -> None:  # fmt: skip
    """probabilities[i] = softmax of the logits of name i, for every name."""
    logits = np.empty((1, b.size), np.float32)
    for i in range(offsets.size - 1):
        name = letters[offsets[i] : offsets[i + 1]]
        forward(V, Ut, c, S, Wt, b, activation, name, h, logits, order)
        softmax(logits[0, : probabilities.shape[1]], probabilities[i])


def aligned(values: np.ndarray) -> np.ndarray:
    """A C-contiguous float32 copy that starts at a cache line, so that no vector straddles two."""
    room = np.empty(values.size * 4 + 64, np.uint8)
    start = -room.ctypes.data % 64
    array = room[start : start + values.size * 4].view(np.float32).reshape(values.shape)
    array[...] = values
    return array


@dataclass(frozen=True)
class Layout:
    """The weights as the kernels walk them; `U` and `Ut`, `W` and `Wt` are transposes.

    Where languages are columns there are more of them, zeros, up to a multiple of sixteen.
    """

    V: np.ndarray  # (letters, hidden)
    U: np.ndarray  # (hidden, hidden)
    Ut: np.ndarray
    c: np.ndarray  # (hidden,)
    S: np.ndarray  # (letters, padded languages); no rows where the readout is hidden
    W: np.ndarray  # (languages, hidden)
    Wt: np.ndarray  # (hidden, padded languages)
    b: np.ndarray  # (padded languages,)

    @classmethod
    def of(cls, weights: dict[str, np.ndarray]) -> "Layout":
        """A copy of weights that are stored as those of torch.nn.Linear on [letter ; state]."""
        cell, readout = weights["cell.weight"], weights["readout.weight"]
        hidden = cell.shape[0]
        V, U = np.split(cell, [cell.shape[1] - hidden], axis=1)
        S, W = np.split(readout, [readout.shape[1] - hidden], axis=1)
        S, Wt, b = (_padded(part) for part in (S.T, W.T, weights["readout.bias"]))
        parts = (V.T, U, U.T, weights["cell.bias"], S, W, Wt, b)
        return cls(*(aligned(part) for part in parts))

    def weights(self) -> dict[str, np.ndarray]:
        """The weights as torch.nn.Linear stores them."""
        return {
            "cell.weight": np.hstack([self.V.T, self.U]),
            "cell.bias": self.c.copy(),
            "readout.weight": np.hstack([self.S[:, : len(self.W)].T, self.W]),
            "readout.bias": self.b[: len(self.W)].copy(),
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
    h, D, order = _room(layout, offsets), _room(layout, offsets), _order(layout)
    curve = []
    for first, end in stretches(len(examples)):
        part = examples[first:end]
        loss, right = train_steps(
            layout.V, layout.U, layout.Ut, layout.c, layout.S, layout.W, layout.Wt, layout.b,
            ACTIVATIONS[activation], learning_rate, letters, offsets, corpus.languages, part, h, D,
            order,
        )  # fmt: skip
        curve.append((end, loss / len(part), right / len(part)))
        progress(len(part))
        if not np.isfinite(loss):
            break
    return curve


def probabilities(layout: Layout, activation: str, names: list[str]) -> np.ndarray:
    """(names, languages) float64: what the network says after the last letter of each name."""
    letters, offsets = alphabet.encode(names)
    scores = np.empty((len(names), len(layout.W)))
    score_names(
        layout.V, layout.Ut, layout.c, layout.S, layout.Wt, layout.b, ACTIVATIONS[activation],
        letters, offsets, _room(layout, offsets), _order(layout), scores,
    )  # fmt: skip
    return scores


def _padded(array: np.ndarray) -> np.ndarray:
    """The same with zeros in its last dimension, up to a multiple of sixteen."""
    return np.pad(array, [*[(0, 0)] * (array.ndim - 1), (0, -array.shape[-1] % 16)])


def _room(layout: Layout, offsets: np.ndarray) -> np.ndarray:
    longest = int(np.diff(offsets).max(initial=0))
    return aligned(np.zeros((longest + 1, layout.c.size)))


def _order(layout: Layout) -> np.ndarray:
    return np.empty(max(layout.c.size, layout.b.size) + 64, np.int64)
