"""Reads registers on a serial port by pymodbus, which decodes every value itself.

pymodbus_master.py PORT ASKED, a register a line: UNIT ADDRESS TYPE ORDER, all of them holding
registers; prints a value a line, in that order.
"""

import sys

from encoding import WORDS, decode
from pymodbus import FramerType
from pymodbus.client import ModbusSerialClient

port, asked = sys.argv[1:]
with open(asked, encoding="utf-8") as lines:
    asked = [line.split() for line in lines if line.strip()]
client = ModbusSerialClient(port, framer=FramerType.RTU, baudrate=9600, timeout=3)
if not client.connect():
    sys.exit(f"cannot open {port}")
for unit, address, kind, order in asked:
    count = WORDS.get(kind, 2)
    reply = client.read_holding_registers(int(address), count=count, device_id=int(unit))
    if reply.isError():
        sys.exit(f"unit {unit}, register {address}: {reply}")
    print(decode(kind, order, reply.registers))
client.close()
