"""A Modbus RTU slave that we did not write: pymodbus' serial server on one port.

    python3 pymodbus_slave.py --port PORT [--registers FILE] [--baud 9600]
                              [--parity N|E|O] [--stop-bits 1|2]

It answers for every unit in FILE (default: registers.json beside this file) until it is
killed, and prints "ready" once it listens. What FILE must hold is written in README.md.
Whatever is not in it is answered with exception 2, units not in it with silence.
On a pseudo-terminal leave --parity at N, whatever the master has: there pyserial refuses
another, and parity means nothing.
Needs: pip install pymodbus==3.16.1 pyserial
"""

import argparse
import asyncio
import json
import pathlib

from pymodbus import FramerType
from pymodbus.server import ModbusSerialServer
from pymodbus.simulator import DataType, SimData, SimDevice


def words(text):
    return [int(word, 16) for word in text.split()]


def device(entry):
    blocks = {"holding": [], "input": []}
    for run in entry["registers"]:
        values = words(run["words"])
        blocks[run["table"]].append(
            SimData(run["address"], values=values, datatype=DataType.REGISTERS, readonly=True)
        )
    # pymodbus wants a block in every table; these are at an address that no meter uses.
    unused = SimData(65535, values=0, datatype=DataType.REGISTERS, readonly=True)
    bits = SimData(0, values=[False], datatype=DataType.BITS, readonly=True)
    holding, inputs = (blocks[table] or [unused] for table in ("holding", "input"))
    return SimDevice(entry["unit"], simdata=([bits], [bits], holding, inputs))


async def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    beside = pathlib.Path(__file__).with_name("registers.json")
    arguments.add_argument("--port", required=True)
    arguments.add_argument("--registers", type=pathlib.Path, default=beside)
    arguments.add_argument("--baud", type=int, default=9600)
    arguments.add_argument("--parity", choices="NEO", default="N")
    arguments.add_argument("--stop-bits", type=int, choices=(1, 2), default=1)
    given = arguments.parse_args()
    entries = json.loads(given.registers.read_text())["devices"]
    server = ModbusSerialServer(
        [device(entry) for entry in entries],
        framer=FramerType.RTU,
        port=given.port,
        baudrate=given.baud,
        parity=given.parity,
        stopbits=given.stop_bits,
        ignore_missing_devices=True,
    )
    serving = asyncio.ensure_future(server.serve_forever())
    await asyncio.sleep(0.2)
    if not serving.done():
        print("ready", flush=True)
    await serving


asyncio.run(main())
