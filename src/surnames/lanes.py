"""Many float32 side by side, as a type that compiled code can hold in variables.

LLVM lays them into whatever vector registers there are (128 of them are eight registers of AVX-512,
sixteen of AVX, thirty-two of SSE or NEON); the arithmetic of a lane is the same in all of them. The
compiler's own vectorization would give the same bits, but not the same speed: it does not know that a
sum may stay in registers.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, register_model
from numba.extending import models as data_models


class LanesType(types.Type):
    """The type of `count` float32."""

    def __init__(self, count: int) -> None:
        self.vector = ir.VectorType(ir.FloatType(), count)
        super().__init__(name=f"Lanes({count})")


@register_model(LanesType)
class LanesModel(data_models.PrimitiveModel):
    """Held as an LLVM vector."""

    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, kind.vector)


class Lanes(NamedTuple):
    """What one can do with so many lanes; `row` and `column` are not checked against the bounds."""

    count: int
    load: Callable[..., Any]  # (array, row, column): array[row, column : column + count]
    store: Callable[..., None]  # (array, row, column, value): the other way
    fma: Callable[..., Any]  # (a, scale, c): a * scale + c in each lane, rounded once


def lanes(count: int) -> Lanes:
    """Operations on `count` floats at once, for two-dimensional C-contiguous arrays."""
    kind = LanesType(count)
    vector = kind.vector

    def pointer(context: Any, builder: Any, matrix: Any, array: Any, row: Any, column: Any) -> Any:
        parts = context.make_array(matrix)(context, builder, array)
        columns = cgutils.unpack_tuple(builder, parts.shape)[1]
        place = builder.gep(parts.data, [builder.add(builder.mul(row, columns), column)])
        return builder.bitcast(place, vector.as_pointer())

    @intrinsic
    def load(typing_context: Any, array: Any, row: Any, column: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            value = builder.load(pointer(context, builder, signature.args[0], *arguments))
            value.align = 4
            return value

        return kind(array, types.intp, types.intp), generate

    @intrinsic
    def store(typing_context: Any, array: Any, row: Any, column: Any, value: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            *place, value = arguments
            builder.store(value, pointer(context, builder, signature.args[0], *place)).align = 4
            return context.get_dummy_value()

        return types.none(array, types.intp, types.intp, kind), generate

    @intrinsic
    def fma(typing_context: Any, a: Any, scale: Any, c: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            a, scale, c = arguments
            nothing = ir.Constant(vector, ir.Undefined)
            first = builder.insert_element(nothing, scale, ir.Constant(ir.IntType(32), 0))
            zeros = ir.Constant(ir.VectorType(ir.IntType(32), count), [0] * count)
            everywhere = builder.shuffle_vector(first, nothing, zeros)
            function = cgutils.get_or_insert_function(
                builder.module, ir.FunctionType(vector, [vector] * 3), f"llvm.fma.v{count}f32"
            )
            return builder.call(function, [a, everywhere, c])

        return kind(kind, types.float32, kind), generate

    return Lanes(count, load, store, fma)
