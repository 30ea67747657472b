"""Serves registers by pymodbus, which encodes every value itself.

pymodbus_slave.py PORT VALUES, a value a line: UNIT holding|input ADDRESS TYPE ORDER VALUE,
such as `1 input 72 f32 ABCD 1234.5`. Addresses are those on the wire, from 0. PORT is the path
of a serial port, `tcp` for Modbus TCP or `rtu+tcp` for RTU frames over TCP; a server over TCP
listens on a port that the system chooses, and prints it.
"""

import asyncio
import sys

from encoding import encode
from pymodbus import FramerType
from pymodbus.server import ModbusTcpServer, StartAsyncSerialServer
from pymodbus.simulator import DataType, SimData, SimDevice

REGISTERS = 40_000  # beyond the highest address of any profile


def devices(lines):
    words = {}
    for line in lines:
        unit, table, address, kind, order, value = line.split()
        encoded = encode(kind, order, value)
        tables = words.setdefault(int(unit), {"holding": [0] * REGISTERS, "input": [0] * REGISTERS})
        tables[table][int(address) : int(address) + len(encoded)] = encoded
    bits = [SimData(0, count=8, values=False, datatype=DataType.BITS)]
    return [
        SimDevice(
            unit,
            simdata=(
                bits,
                bits,
                [SimData(0, values=tables["holding"], datatype=DataType.REGISTERS)],
                [SimData(0, values=tables["input"], datatype=DataType.REGISTERS)],
            ),
        )
        for unit, tables in words.items()
    ]


async def main(port, values):
    with open(values, encoding="utf-8") as lines:
        served = devices(line for line in lines if line.strip())
    framers = {"tcp": FramerType.SOCKET, "rtu+tcp": FramerType.RTU}
    if port not in framers:
        await StartAsyncSerialServer(served, framer=FramerType.RTU, port=port, baudrate=9600)
        return
    server = ModbusTcpServer(served, framer=framers[port], address=("127.0.0.1", 0))
    await server.serve_forever(background=True)
    print(server.transport.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


asyncio.run(main(*sys.argv[1:]))
