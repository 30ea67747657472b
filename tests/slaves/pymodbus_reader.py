"""Reads registers by pymodbus, as another master on the line does, and tells what it read.

pymodbus_reader.py PORT PLAN ROUNDS PAUSE_MS, a request a line: UNIT holding|input ADDRESS
COUNT. Prints the request and the words of each reply, in hexadecimal.
"""

import sys
import time

from pymodbus import FramerType
from pymodbus.client import ModbusSerialClient
from pymodbus.exceptions import ModbusIOException


def main(port, plan, rounds, pause_ms):
    with open(plan, encoding="utf-8") as lines:
        requests = [line.split() for line in lines if line.strip()]
    client = ModbusSerialClient(port, framer=FramerType.RTU, baudrate=9600, timeout=2, retries=0)
    if not client.connect():
        sys.exit("cannot open the port")
    reads = {"holding": client.read_holding_registers, "input": client.read_input_registers}
    for _ in range(int(rounds)):
        for unit, table, address, count in requests:
            try:
                reply = reads[table](int(address), count=int(count), device_id=int(unit))
                words = [] if reply.isError() else reply.registers
            except ModbusIOException:
                words = []
            shown = " ".join(f"{word:04X}" for word in words)
            print(f"{unit} {table} {address} {shown}".rstrip(), flush=True)
        time.sleep(int(pause_ms) / 1000)
    client.close()


main(*sys.argv[1:])
