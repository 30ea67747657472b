"""pymodbus as a master: pymodbus_master.py PORT BAUD REGISTERS TRANSACTIONS

Reads six units in turn and prints what it took.
"""

import json
import sys
import time

from pymodbus import FramerType
from pymodbus.client import ModbusSerialClient


def main(port, baud, registers, transactions):
    client = ModbusSerialClient(port, framer=FramerType.RTU, baudrate=baud, timeout=1, retries=0)
    assert client.connect()
    read = client.read_holding_registers
    read(0, count=registers, device_id=1)
    failed = 0
    began, cpu_before = time.monotonic(), time.process_time()
    for number in range(transactions):
        failed += read(0, count=registers, device_id=number % 6 + 1).isError()
    took, cpu = time.monotonic() - began, time.process_time() - cpu_before
    report = {"transactions": transactions, "failed": failed, "seconds": took, "cpu_us": cpu * 1e6}
    print(json.dumps(report))


main(sys.argv[1], *map(int, sys.argv[2:]))
