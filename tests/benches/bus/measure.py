"""Measures masters on one line after another and prints a figure a line, as JSON.

measure.py FOLDER OURS: FOLDER holds the slave and libmodbus's master, OURS is our program.
Where it may, every master runs before all that does not play hardware, so that the figures
are the masters' own and not those of what else runs on the machine.
"""

import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
TURNAROUND_S = 0.010
BAUDS = (9600, 19200, 38400)
TRANSACTIONS = {2: 300, 60: 100}  # by registers
UNPACED_TRANSACTIONS = 20_000
UNPACED_ROUNDS = 3  # the best counts: what else runs on the machine only takes away


def silence_s(baud):
    return 0.00175 if baud > 19200 else 35 / baud


def least_s(baud, registers):
    """The least time of a transaction: its bytes, the turnaround, the silence."""
    silence = silence_s(baud)
    return (13 + 2 * registers) * 10 / baud + max(TURNAROUND_S, silence) + silence


def go_first():
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(5))
    except PermissionError:
        pass


def run(folder, master, baud, registers, transactions):
    link = folder / "line"
    link.unlink(missing_ok=True)
    command = [folder / "slave", link, str(baud), str(int(TURNAROUND_S * 1e6))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as slave:
        while not link.is_symlink():
            pass
        arguments = [link, *map(str, (baud, registers, transactions))]
        command = master + arguments
        finished = subprocess.run(command, check=True, stdout=subprocess.PIPE, preexec_fn=go_first)
        line = slave.communicate()[0]
    result = json.loads(finished.stdout) | json.loads(line)
    if result["failed"]:
        print(f"note: {master[-1]}: {result['failed']} requests failed", file=sys.stderr)
    return result


def tell(work, figure, value, peer, peer_value, goal):
    line = {"bench": "bus", "work": work, "figure": figure, "value": round(value, 3)}
    if peer:
        line |= {"peer": peer, "peer_value": round(peer_value, 3)}
    print(json.dumps(line | ({"goal": goal} if goal else {})), flush=True)


def paced(folder, ours, peers, baud, registers):
    work = f"{baud} 8N1, {registers} registers, 10 ms turnaround, six units"
    transactions = TRANSACTIONS[registers]
    least = least_s(baud, registers) * transactions

    def measure(master):
        result = run(folder, master, baud, registers, transactions)
        # Of a request that came too early it is not known by how much.
        return least / result["seconds"], result["early"], result["shortest_us"]

    efficiency, early, shortest = measure(ours)
    for peer, master in peers.items():
        theirs = measure(master)
        tell(work, "efficiency", efficiency, peer, theirs[0], ">=0.95")
        tell(work, f"of {transactions} requests, too early", early, peer, theirs[1], "0")
    owed = round(silence_s(baud) * 1e6)
    tell(work, "shortest silence in us", shortest, None, None, f">={owed}")


def unpaced(folder, ours, peer, master, registers):
    work = f"no wire time, gap zero, {registers} registers, six units"

    def measure(master):
        transactions = UNPACED_TRANSACTIONS
        rounds = [run(folder, master, 0, registers, transactions) for _ in range(UNPACED_ROUNDS)]
        rate = max(result["transactions"] / result["seconds"] for result in rounds)
        cpu = min(result["cpu_us"] / result["transactions"] for result in rounds)
        return rate, cpu

    (rate, cpu), (peer_rate, peer_cpu) = measure(ours), measure(master)
    tell(work, "transactions/s", rate, peer, peer_rate, ">=0.5 of the peer")
    tell(work, "CPU us per transaction", cpu, peer, peer_cpu, "<=3 of the peer")


def main(folder, ours):
    folder = pathlib.Path(folder)
    libmodbus = [str(folder / "libmodbus_master")]
    peers = {"libmodbus": libmodbus, "pymodbus": [sys.executable, str(HERE / "pymodbus_master.py")]}
    for registers in TRANSACTIONS:
        unpaced(folder, [ours], "libmodbus", libmodbus, registers)
    for baud in BAUDS:
        for registers in TRANSACTIONS:
            paced(folder, [ours], peers, baud, registers)


main(*sys.argv[1:])
