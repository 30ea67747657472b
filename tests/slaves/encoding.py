"""Types and orders of registers, by pymodbus; by struct what it lacks (48 bits, swapped bytes).

An order is the letters of the bytes as they arrive, A the most significant: `CDAB` is the
low word first, `BADC` has the bytes of each word swapped.
"""

import struct

from pymodbus.client.mixin import ModbusClientMixin

TYPES = ModbusClientMixin.DATATYPE
KINDS = {
    "u16": (TYPES.UINT16, int),
    "i16": (TYPES.INT16, int),
    "u32": (TYPES.UINT32, int),
    "i32": (TYPES.INT32, int),
    "u48": (None, int),
    "u64": (TYPES.UINT64, int),
    "i64": (TYPES.INT64, int),
    "f32": (TYPES.FLOAT32, float),
    "f64": (TYPES.FLOAT64, float),
}
WORDS = {"u16": 1, "i16": 1, "u48": 3, "u64": 4, "i64": 4, "f64": 4}  # the others have 2


def forms(order):
    """The order of the words, and whether the bytes of each are swapped."""
    return ("big" if set(order[:2]) == {"A", "B"} else "little"), order[0] > order[1]


def swapped(words):
    return [word >> 8 | (word & 0xFF) << 8 for word in words]


def encode(kind, order, value):
    datatype, number = KINDS[kind]
    word_order, swap = forms(order)
    if datatype is None:
        words = list(struct.unpack(">4H", struct.pack(">Q", number(value))))[1:]
        words = words[::-1] if word_order == "little" else words
    else:
        words = ModbusClientMixin.convert_to_registers(
            number(value), datatype, word_order=word_order
        )
    return swapped(words) if swap else words


def decode(kind, order, words):
    datatype, _ = KINDS[kind]
    word_order, swap = forms(order)
    words = swapped(words) if swap else words
    if datatype is None:
        words = words[::-1] if word_order == "little" else words
        return struct.unpack(">Q", struct.pack(">4H", 0, *words))[0]
    return ModbusClientMixin.convert_from_registers(words, datatype, word_order=word_order)
