"""Gradient descent on one name a step, compiled for the Elman recurrence.

    h_t    = f(V[x_t] + U h_(t-1) + c)          f: identity, tanh or ReLU
    logits = W h_T + b                           (readout "hidden")
    logits = S[x_T] + W h_(T-1) + b              (readout "combined", as in 2017's tutorial)

It gives the same bits on every processor, with any vector width and any number of workers:

- every product-and-sum is an explicit fused multiply-add, which IEEE 754 rounds in one way only;
- no compiler re-associates a sum: in products with a transpose and in updates the vector lanes
  hold different outputs, and where they hold parts of a sum `row_sums` says how to add them;
- `exp`, `tanh` and `log` are written out below instead of taken from the platform.

All of it is in this one file, because that is what numba's cache on disk looks at.

`reference.py` holds the same arithmetic as plain autograd; `test_engines.py` holds the two
together. All matrices are float32; the 18 probabilities and the loss of a step are float64.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic, register_model
from numba.extending import models as data_models

LINEAR, TANH, RELU = 0, 1, 2
ACTIVATIONS = {"linear": LINEAR, "tanh": TANH, "relu": RELU}
compiled = njit(nogil=True, cache=True, error_model="numpy")


class Lanes(types.Type):
    """`count` float32 side by side, as a type that compiled code can hold in variables.

    LLVM lays them into whatever vector registers there are (128 of them are eight registers of
    AVX-512, sixteen of AVX, thirty-two of SSE or NEON); the arithmetic of a lane is the same in all
    of them. The compiler's own vectorization would be slower, for it does not know that a sum may
    stay in registers, and it may not turn a sum around: `row_sums` does, in one order that is
    written down there. The operations check no bounds; arrays are C-contiguous with two dimensions.
    """

    def __init__(self, count: int) -> None:
        self.vector = ir.VectorType(ir.FloatType(), count)
        super().__init__(name=f"Lanes({count})")


@register_model(Lanes)
class LanesModel(data_models.PrimitiveModel):
    """Held as an LLVM vector."""

    def __init__(self, manager: Any, kind: Lanes) -> None:
        super().__init__(manager, kind, kind.vector)


def _pointer(
    context: Any, builder: Any, kind: Any, array: Any, row: Any, column: Any, vector: Any
) -> Any:
    """The address of array[row, column] as that of a vector."""
    parts = context.make_array(kind)(context, builder, array)
    columns = cgutils.unpack_tuple(builder, parts.shape)[1]
    place = builder.gep(parts.data, [builder.add(builder.mul(row, columns), column)])
    return builder.bitcast(place, vector.as_pointer())


def _load(builder: Any, pointer: Any) -> Any:
    value = builder.load(pointer)
    value.align = 4
    return value


def _fma(builder: Any, a: Any, b: Any, c: Any) -> Any:
    """a * b + c in each lane, rounded once."""
    kind = ir.FunctionType(a.type, [a.type] * 3)
    name = f"llvm.fma.v{a.type.count}f32"
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), [a, b, c])


def _shuffle(builder: Any, a: Any, b: Any, lanes: Sequence[int]) -> Any:
    mask = ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), list(lanes))
    return builder.shuffle_vector(a, b, mask)


@intrinsic(prefer_literal=True)
def load(typing_context: Any, count: Any, array: Any, row: Any, column: Any) -> Any:
    """array[row, column : column + count]."""
    kind = Lanes(count.literal_value)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _, array_, row_, column_ = arguments
        place = (signature.args[1], array_, row_, column_, kind.vector)
        return _load(builder, _pointer(context, builder, *place))

    return kind(count, array, types.intp, types.intp), generate


@intrinsic
def store(typing_context: Any, array: Any, row: Any, column: Any, value: Any) -> Any:
    """array[row, column : column + count] = value."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array_, row_, column_, lanes = arguments
        place = (signature.args[0], array_, row_, column_, value.vector)
        pointer = _pointer(context, builder, *place)
        builder.store(lanes, pointer).align = 4
        return context.get_dummy_value()

    return types.none(array, types.intp, types.intp, value), generate


@intrinsic
def fma(typing_context: Any, a: Any, scale: Any, c: Any) -> Any:
    """a * scale + c in each lane, rounded once; `scale` is one float32 for all of them."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        lanes, scale, total = arguments
        nothing = ir.Constant(a.vector, ir.Undefined)
        first = builder.insert_element(nothing, scale, ir.Constant(ir.IntType(32), 0))
        everywhere = _shuffle(builder, first, nothing, [0] * a.vector.count)
        return _fma(builder, lanes, everywhere, total)

    return a(a, types.float32, a), generate


@intrinsic
def row_sums(typing_context: Any, matrix: Any, row: Any, vector: Any, at: Any) -> Any:
    """matrix[row : row + 16] @ vector[at]: sixteen products of rows, of a multiple of 16 columns.

    Each row's products go to sixteen partial sums, column modulo 16, in ascending order; these are
    added in pairs of neighbours, then in pairs of pairs, and so on.
    """
    kind = Lanes(16)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        rows, row, states, at = arguments
        size = context.get_value_type(types.intp)
        shape = context.make_array(matrix)(context, builder, rows).shape
        columns = cgutils.unpack_tuple(builder, shape)[1]
        zero = ir.Constant(kind.vector, [0.0] * 16)
        sums = [cgutils.alloca_once_value(builder, zero) for _ in range(16)]
        steps = builder.udiv(columns, ir.Constant(size, 16))
        with cgutils.for_range(builder, steps) as loop:
            column = builder.mul(loop.index, ir.Constant(size, 16))
            place = (vector, states, at, column, kind.vector)
            state = _load(builder, _pointer(context, builder, *place))
            for k, total in enumerate(sums):
                one = builder.add(row, ir.Constant(size, k))
                place = (matrix, rows, one, column, kind.vector)
                weights = _load(builder, _pointer(context, builder, *place))
                builder.store(_fma(builder, weights, state, builder.load(total)), total)
        level = [builder.load(total) for total in sums]
        for distance in (1, 2, 4, 8):  # lanes that are added; after it, a lane for each row
            chosen = [16 if lane & distance else 0 for lane in range(16)]
            left = [start + (lane & ~distance) for lane, start in enumerate(chosen)]
            right = [start + (lane | distance) for lane, start in enumerate(chosen)]
            level = [
                builder.fadd(_shuffle(builder, a, b, left), _shuffle(builder, a, b, right))
                for a, b in zip(level[::2], level[1::2], strict=True)
            ]
        return level[0]

    return kind(matrix, types.intp, vector, types.intp), generate


@intrinsic
def scalar_fma(typing_context: Any, a: Any, b: Any, c: Any) -> Any:
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
INVERSE_FACTORIALS = tuple(1 / math.factorial(k) for k in range(14))


@compiled
def exp(x: float) -> float:
    """e**x for |x| <= 700 (clamped), by reduction to |r| <= ln(2)/2 and Taylor's series."""
    x = min(max(x, -700.0), 700.0)
    shifted = scalar_fma(x, LOG2_E, ROUNDER)
    power = shifted - ROUNDER
    r = scalar_fma(power, -LN2_LOW, scalar_fma(power, -LN2_HIGH, x))
    s = 0.0
    for k in range(13, -1, -1):
        s = scalar_fma(s, r, INVERSE_FACTORIALS[k])
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
        s = scalar_fma(s, square, 1.0 / (2 * k + 1))
    return scalar_fma(power, LN2_HIGH, scalar_fma(power, LN2_LOW, 2.0 * z * s))


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
def copy_row(out: np.ndarray, at: int, rows: np.ndarray, row: int) -> None:
    """out[at] = rows[row]."""
    for j in range(0, out.shape[1], 16):
        store(out, at, j, load(16, rows, row, j))


@compiled
def add_row(out: np.ndarray, at: int, rows: np.ndarray, row: int) -> None:
    """out[at] += rows[row]."""
    for j in range(0, out.shape[1], 16):
        one = np.float32(1.0)
        store(out, at, j, fma(load(16, rows, row, j), one, load(16, out, at, j)))


@compiled
def add_sums(
    out: np.ndarray, at: int, matrix: np.ndarray, vectors: np.ndarray, which: int, upwards: bool
) -> None:
    """out[at] += matrix @ vectors[which]; the rows may be taken from the last to the first.

    A recurrent matrix is larger than the first-level cache. Swept to and fro instead of always from
    the top, most of it is still there.
    """
    last = matrix.shape[0] - 16
    for i in range(0, matrix.shape[0], 16):
        row = last - i if upwards else i
        sums = row_sums(matrix, row, vectors, which)
        store(out, at, row, fma(load(16, out, at, row), np.float32(1.0), sums))


@compiled
def add_rows(
    out: np.ndarray, at: int, rows: np.ndarray, scales: np.ndarray, upwards: bool, order: np.ndarray
) -> None:
    """out[at] += scales @ rows, row by row, from the first or from the last.

    Rows whose scale is zero are left out; with ReLU that is half of them. `order` is a scratch
    buffer for the numbers of the others.
    """
    count = 0
    for k in range(scales.size):
        row = scales.size - 1 - k if upwards else k
        order[count] = row
        count += scales[row] != 0
    outputs, j = out.shape[1], 0
    while j + 128 <= outputs:
        wide = load(128, out, at, j)
        for n in range(count):
            wide = fma(load(128, rows, order[n], j), scales[order[n]], wide)
        store(out, at, j, wide)
        j += 128
    while j < outputs:
        narrow = load(16, out, at, j)
        for n in range(count):
            narrow = fma(load(16, rows, order[n], j), scales[order[n]], narrow)
        store(out, at, j, narrow)
        j += 16


@compiled
def add_outer_product(matrix: np.ndarray, left: np.ndarray, right: np.ndarray, at: int) -> None:
    """matrix += left[0] right[at]'; matrix (m, n), left (1, m), right (any, n)."""
    for i in range(matrix.shape[0]):
        for j in range(0, matrix.shape[1], 16):
            store(matrix, i, j, fma(load(16, right, at, j), left[0, i], load(16, matrix, i, j)))


@compiled
def softmax(logits: np.ndarray, probabilities: np.ndarray) -> None:
    """probabilities (float64) = softmax of logits (float32), shifted by their maximum."""
    top = logits[0]
    for k in range(1, probabilities.size):
        top = max(top, logits[k])
    total = 0.0
    for k in range(probabilities.size):
        probabilities[k] = exp(np.float64(logits[k]) - np.float64(top))
        total += probabilities[k]
    for k in range(probabilities.size):
        probabilities[k] /= total


@compiled
def forward(
    V: np.ndarray, U: np.ndarray, c: np.ndarray, S: np.ndarray, W: np.ndarray, b: np.ndarray,
    activation: int, name: np.ndarray, known: int, h: np.ndarray, logits: np.ndarray,
) -> int:  # fmt: skip
    """Read one name; fills h[1:] (h[0] is the initial state, zero) and the logits (1, languages).

    h[1 : known + 1] are there already. Returns how many states the logits depend on. The combined
    readout (S not empty) looks at the last letter beside the state *before* it, so the last state
    is not even computed.
    """
    combined = S.shape[0] > 0
    reads = name.size - 1 if combined else name.size
    for t in range(known, reads):
        copy_row(h, t + 1, c, 0)
        add_row(h, t + 1, V, name[t])
        if t > 0:
            add_sums(h, t + 1, U, h, t, t % 2 == 0)
        activate(h[t + 1], activation)
    copy_row(logits, 0, b, 0)
    if combined:
        add_row(logits, 0, S, name[name.size - 1])
    if reads > 0:
        add_sums(logits, 0, W, h, reads, False)
    return reads


@compiled
def step_back_and_update(
    U: np.ndarray, h: np.ndarray, D: np.ndarray, reads: int, upwards: bool
) -> None:
    """D[1] += D[2] @ U and then U += sum over t > 1 of D[t] h[t - 1]', in one sweep of U."""
    last = U.shape[0] - 1
    j = 0
    while j + 128 <= U.shape[1]:
        wide = load(128, D, 1, j)
        for i in range(U.shape[0]):
            row = last - i if upwards else i
            weights = load(128, U, row, j)
            wide = fma(weights, D[2, row], wide)
            for t in range(2, reads + 1):
                weights = fma(load(128, h, t - 1, j), D[t, row], weights)
            store(U, row, j, weights)
        store(D, 1, j, wide)
        j += 128
    while j < U.shape[1]:
        narrow = load(16, D, 1, j)
        for i in range(U.shape[0]):
            row = last - i if upwards else i
            part = load(16, U, row, j)
            narrow = fma(part, D[2, row], narrow)
            for t in range(2, reads + 1):
                part = fma(load(16, h, t - 1, j), D[t, row], part)
            store(U, row, j, part)
        store(D, 1, j, narrow)
        j += 16


@compiled
def descend(
    V: np.ndarray, U: np.ndarray, c: np.ndarray, S: np.ndarray, W: np.ndarray, b: np.ndarray,
    activation: int, name: np.ndarray, h: np.ndarray, D: np.ndarray, descent: np.ndarray,
    reads: int, order: np.ndarray,
) -> None:  # fmt: skip
    """One step down the gradient, for every weight that took part in reading this name.

    `descent` (1, languages) is -learning_rate * the gradient with respect to the logits; D[t]
    becomes the same with respect to the pre-activation of h[t], t from `reads` down to 1. No weight
    moves before its last use.
    """
    add_row(b, 0, descent, 0)
    if S.shape[0] > 0:
        add_row(S, name[name.size - 1], descent, 0)
    if reads == 0:
        return
    for t in range(reads, 0, -1):
        copy_row(D, t, h, 0)  # zero
        if t == reads:
            add_rows(D, t, W, descent[0], False, order)
        elif t > 1:
            add_rows(D, t, U, D[t + 1], t % 2 == 0, order)
        else:
            step_back_and_update(U, h, D, reads, False)
        times_derivative(D[t], h[t], activation)
        add_row(V, name[t - 1], D, t)
        add_row(c, 0, D, t)
    add_outer_product(W, descent, h, reads)


@compiled
def train_steps(
    V: np.ndarray, U: np.ndarray, c: np.ndarray, S: np.ndarray, W: np.ndarray, b: np.ndarray,
    activation: int, learning_rate: float, letters: np.ndarray, offsets: np.ndarray,
    languages: np.ndarray, examples: np.ndarray, h: np.ndarray, D: np.ndarray,
    probabilities: np.ndarray,
) -> tuple[float, int]:  # fmt: skip
    """One step of gradient descent on each of `examples`, in place.

    h, D (longest name + 1, hidden) and probabilities (languages,) are scratch buffers. Returns the
    sum of the losses (nats) and the number of names classified correctly; the sum is not finite
    once the network has diverged.
    """
    logits = np.empty((1, b.size), np.float32)
    descent = np.zeros((1, b.size), np.float32)  # -learning_rate * d loss / d logits
    order = np.empty(max(c.size, b.size) + 1, np.int64)
    total_loss, right = 0.0, 0
    for example in examples:
        name = letters[offsets[example] : offsets[example + 1]]
        language = languages[example]
        reads = forward(V, U, c, S, W, b, activation, name, 0, h, logits)
        softmax(logits[0], probabilities)
        total_loss -= log(max(probabilities[language], 1e-300))
        if not np.isfinite(probabilities[language]):
            return np.nan, right
        best = 0
        for k in range(probabilities.size):
            best = k if probabilities[k] > probabilities[best] else best
            gradient = probabilities[k] - (1.0 if k == language else 0.0)
            descent[0, k] = np.float32(-learning_rate * gradient)
        right += best == language

        descend(V, U, c, S, W, b, activation, name, h, D, descent, reads, order)
    return total_loss, right


@compiled
def score_names(
    V: np.ndarray, U: np.ndarray, c: np.ndarray, S: np.ndarray, W: np.ndarray, b: np.ndarray,
    activation: int, letters: np.ndarray, offsets: np.ndarray, order: np.ndarray, h: np.ndarray,
    probabilities: np.ndarray,
) -> None:  # fmt: skip
    """probabilities[i] = softmax of the logits of name i, for every name, in this order.

    The states of the letters with which the name before began, too, are not computed again.
    """
    logits = np.empty((1, b.size), np.float32)
    before, states = letters[:0], 0
    for i in order:
        name = letters[offsets[i] : offsets[i + 1]]
        known, most = 0, min(states, name.size)
        while known < most and name[known] == before[known]:
            known += 1
        states = forward(V, U, c, S, W, b, activation, name, known, h, logits)
        before = name
        softmax(logits[0], probabilities[i])
