"""Many float32 side by side, as a type that compiled code can hold in variables.

LLVM lays them into whatever vector registers there are (128 of them are eight registers of AVX-512,
sixteen of AVX, thirty-two of SSE or NEON); the arithmetic of a lane is the same in all of them. The
compiler's own vectorization would be slower, for it does not know that a sum may stay in registers,
and it may not turn a sum around: `row_sums` does, in one order that is written down here.

Nothing here checks bounds. Arrays are two-dimensional and C-contiguous.
"""

from collections.abc import Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model

NARROW = 16


class Lanes(types.Type):
    """The type of `count` float32."""

    def __init__(self, count: int) -> None:
        self.vector = ir.VectorType(ir.FloatType(), count)
        super().__init__(name=f"Lanes({count})")


@register_model(Lanes)
class LanesModel(models.PrimitiveModel):
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
    kind = Lanes(NARROW)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        rows, row, states, at = arguments
        size = context.get_value_type(types.intp)
        shape = context.make_array(matrix)(context, builder, rows).shape
        columns = cgutils.unpack_tuple(builder, shape)[1]
        zero = ir.Constant(kind.vector, [0.0] * NARROW)
        sums = [cgutils.alloca_once_value(builder, zero) for _ in range(NARROW)]
        steps = builder.udiv(columns, ir.Constant(size, NARROW))
        with cgutils.for_range(builder, steps) as loop:
            column = builder.mul(loop.index, ir.Constant(size, NARROW))
            place = (vector, states, at, column, kind.vector)
            state = _load(builder, _pointer(context, builder, *place))
            for k, total in enumerate(sums):
                one = builder.add(row, ir.Constant(size, k))
                place = (matrix, rows, one, column, kind.vector)
                weights = _load(builder, _pointer(context, builder, *place))
                builder.store(_fma(builder, weights, state, builder.load(total)), total)
        level = [builder.load(total) for total in sums]
        for distance in (1, 2, 4, 8):  # lanes that are added; after it, a lane for each row
            chosen = [NARROW if lane & distance else 0 for lane in range(NARROW)]
            left = [start + (lane & ~distance) for lane, start in enumerate(chosen)]
            right = [start + (lane | distance) for lane, start in enumerate(chosen)]
            level = [
                builder.fadd(_shuffle(builder, a, b, left), _shuffle(builder, a, b, right))
                for a, b in zip(level[::2], level[1::2], strict=True)
            ]
        return level[0]

    return kind(matrix, types.intp, vector, types.intp), generate
