"""Runs each gateway on the same simulated line and prints what it cost: see `run`."""

import argparse
import json
import os
import signal
import socket
import sqlite3
import subprocess
import time
from pathlib import Path

METERS = 6
BAUD = 19200
ADDRESS = 0x48  # the imported energy of an SDM120: input registers, f32
WARM_UP_S = 10
COLD_S = 50
FLASH_PERIOD_S = 20
FLASH_SWEEPS = 9
SWEEPS_A_YEAR = 365 * 24 * 60
TICKS = os.sysconf("SC_CLK_TCK")

parser = argparse.ArgumentParser()
for name in ("gateway", "peers", "folder", "device", "seconds"):
    parser.add_argument(f"--{name}", required=True)
args = parser.parse_args()
folder, data, peers = Path(args.folder), Path(args.folder) / "data", Path(args.peers)
seconds = int(args.seconds)


def opening(unit):
    return unit * 1000 + 0.25  # exact as f32


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Program:
    """A process with what it started, and what they have cost so far."""

    running = []

    def __init__(self, name, command, **more):
        log = open(folder / f"{name}.log", "a", encoding="utf-8")
        self.process = subprocess.Popen(
            command, stdout=log, stderr=log, start_new_session=True, **more
        )
        Program.running.append(self)

    def ids(self):
        group = self.process.pid
        stats = [(int(p.name), p / "stat") for p in Path("/proc").iterdir() if p.name.isdigit()]
        for pid, stat in stats:
            try:
                if int(stat.read_text().rsplit(")", 1)[1].split()[2]) == group:
                    yield pid
            except (OSError, ValueError):
                pass

    def cost(self):
        cpu = written = resident = peak = 0
        for pid in self.ids():
            stat = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            cpu += sum(int(field) for field in stat[11:15]) / TICKS
            lines = (Path(f"/proc/{pid}/io").read_text() + Path(f"/proc/{pid}/status").read_text())
            facts = dict(line.split(":", 1) for line in lines.splitlines() if ":" in line)
            written += int(facts["write_bytes"])
            resident += int(facts["VmRSS"].split()[0])
            peak += int(facts["VmHWM"].split()[0])
        return {"cpu_s": cpu, "written": written, "resident_kib": resident, "peak_kib": peak}

    def stop(self):
        Program.running.remove(self)
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def device_bytes():
    if not args.device:
        return None
    subprocess.run(["sync", "-f", str(data)], check=True)
    return int(Path(f"/sys/block/{args.device}/stat").read_text().split()[6]) * 512


def line():
    port = folder / "line"
    text = f"[[line]]\npath = '{port}'\nbaud = {BAUD}\nwire_time = true\n"
    for unit in range(1, METERS + 1):
        text += (
            f"[[line.meter]]\nprofile = 'eastron-sdm120'\nunit_id = {unit}\n"
            f"opening = '{opening(unit)}'\nper_day = '0'\nsince = '2026-01-01T00:00:00Z'\n"
        )
    file = folder / "line.toml"
    file.write_text(text)
    Program("line", [args.gateway, "simulate", "--config", str(file)])
    while not port.exists():
        time.sleep(0.05)
    return port


class Ours:
    name = "enervue-gateway"

    def __init__(self, port, period_s=1):
        self.home = data / f"enervue-{period_s}"
        self.home.mkdir()
        self.settings = self.home / "gateway.toml"
        text = (
            f"data_dir = '{self.home}'\nsocket = '{folder}/control.sock'\nzone = 'UTC'\n"
            f"profile_dir = '{self.home}/profiles'\n"
            f"[poll]\nbilling_period_s = {period_s}\n"
            f"[[bus]]\nname = 'main'\nport = '{port}'\nbaud = {BAUD}\nlisten_first_s = 0\n"
        )
        for unit in range(1, METERS + 1):
            text += (
                f"[[bus.device]]\nunit_id = {unit}\nprofile = 'eastron-sdm120'\n"
                f"label = 'Local {unit}'\n"
            )
        self.settings.write_text(text)

    def start(self):
        command = [args.gateway, "run", "--config", str(self.settings)]
        self.running = Program("enervue", command)

    def stored(self):
        """The values held, the gauges among them."""
        command = [args.gateway, "buffer", "export", "--json", "--config", str(self.settings)]
        lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        readings = [json.loads(text) for text in lines.splitlines()[1:]]
        return [float(r["value"]) for r in readings if r["point"] == "energy_import"], len(readings)


class ThingsBoard:
    name = "thingsboard-gateway"

    def __init__(self, port, broker_port):
        self.home = data / f"thingsboard-{broker_port}"
        (self.home / "logs").mkdir(parents=True)
        installed = next(peers.glob("venv/lib/python3*/site-packages/thingsboard_gateway/config"))
        settings = json.loads((installed / "tb_gateway.json").read_text())
        settings["thingsboard"] |= {"host": "127.0.0.1", "port": broker_port}
        settings["thingsboard"]["remoteConfiguration"] = False
        settings["thingsboard"]["statistics"]["enable"] = False
        settings["thingsboard"]["security"]["accessToken"] = "bench"
        settings["storage"] = {"type": "sqlite", "data_file_path": f"{self.home}/data/"}
        connector = {"name": "line", "type": "modbus", "configuration": "line.json"}
        settings["connectors"] = [connector]
        slave = {
            "type": "serial", "method": "rtu", "port": str(port), "baudrate": BAUD, "timeout": 1,
            "stopbits": 1, "bytesize": 8, "parity": "N", "byteOrder": "BIG", "wordOrder": "BIG",
            "retries": True, "retryOnEmpty": True, "retryOnInvalid": True, "pollPeriod": 1000,
            "deviceType": "default", "reportStrategy": {"type": "ON_RECEIVED"},
            "connectAttemptTimeMs": 1000, "connectAttemptCount": 5,
            "waitAfterFailedAttemptsMs": 1000, "attributes": [], "attributeUpdates": [], "rpc": [],
        }
        value = {
            "tag": "energy", "type": "32float", "functionCode": 4, "objectsCount": 2,
            "address": ADDRESS,
        }
        slaves = [
            slave | {"unitId": unit, "deviceName": f"meter{unit}", "timeseries": [value]}
            for unit in range(1, METERS + 1)
        ]
        config = {"master": {"slaves": slaves}, "name": "line", "logLevel": "ERROR"}
        logs = json.loads((installed / "logs.json").read_text())
        for file, content in (("tb_gateway", settings), ("line", config), ("logs", logs)):
            (self.home / f"{file}.json").write_text(json.dumps(content))
        (self.home / "data").mkdir()
        self.received = folder / f"received-{broker_port}"
        self.broker_port = broker_port

    def start(self):
        environment = dict(os.environ, TB_GW_CONFIG_DIR=f"{self.home}/")
        command = [str(peers / "venv/bin/thingsboard-gateway")]
        self.running = Program("thingsboard", command, cwd=self.home, env=environment)

    def start_broker(self):
        script = Path(__file__).with_name("broker.py")
        command = ["python3", str(script), str(self.broker_port), str(self.received)]
        self.broker = Program("broker", command)

    def arrived(self):
        lines = self.received.read_text().splitlines() if self.received.exists() else []
        return [(int(line.split()[1]), float(line.split()[2])) for line in lines]

    def stored(self):
        values = [value for _, value in self.arrived()]
        return values, len(values)


class NodeRed:
    name = "Node-RED"

    def __init__(self, port):
        self.home = data / "node-red"
        self.home.mkdir()
        (self.home / "node_modules").symlink_to(peers / "node/node_modules")
        (self.home / "package.json").write_text((peers / "node/package.json").read_text())
        database = self.home / "readings.db"
        with sqlite3.connect(database) as connection:
            connection.execute("CREATE TABLE reading (at INTEGER, unit INTEGER, value REAL)")
        self.database = database
        client = {
            "id": "serial", "type": "modbus-client", "name": "", "clienttype": "simpleser",
            "bufferCommands": True, "stateLogEnabled": False, "queueLogEnabled": False,
            "serialPort": str(port), "serialType": "RTU-BUFFERD", "serialBaudrate": str(BAUD),
            "serialDatabits": "8", "serialStopbits": "1", "serialParity": "none",
            "serialConnectionDelay": "100", "unit_id": "1", "commandDelay": "1",
            "clientTimeout": "1000", "reconnectOnTimeout": True, "reconnectTimeout": "2000",
            "parallelUnitIdsAllowed": False,
        }
        base = {"id": "base", "type": "sqlitedb", "db": str(database), "mode": "RWC"}
        flow = [{"id": "tab", "type": "tab", "label": "meters"}, client, base]
        for unit in range(1, METERS + 1):
            flow.append({
                "id": f"read{unit}", "type": "modbus-read", "z": "tab", "name": "", "topic": "",
                "showStatusActivities": False, "logIOActivities": False, "showErrors": False,
                "unitid": str(unit), "dataType": "InputRegister", "adr": str(ADDRESS),
                "quantity": "2", "rate": "1", "rateUnit": "s", "delayOnStart": False,
                "server": "serial", "useIOFile": False, "ioFile": "", "useIOForPayload": False,
                "wires": [[f"value{unit}"], []],
            })
            flow.append({
                "id": f"value{unit}", "type": "function", "z": "tab", "name": "", "outputs": 1,
                "func": "const b = Buffer.alloc(4); b.writeUInt16BE(msg.payload[0], 0);"
                "b.writeUInt16BE(msg.payload[1], 2);"
                "msg.topic = `INSERT INTO reading VALUES (${Date.now()}, " + str(unit) +
                ", ${b.readFloatBE(0)})`; return msg;",
                "wires": [["keep"]],
            })
        flow.append({
            "id": "keep", "type": "sqlite", "z": "tab", "mydb": "base", "sqlquery": "msg.topic",
            "sql": "", "name": "", "wires": [[]],
        })
        (self.home / "flows.json").write_text(json.dumps(flow))

    def start(self):
        red = str(peers / "node/node_modules/.bin/node-red")
        command = [red, "--userDir", str(self.home), "--port", str(free_port()), "flows.json"]
        self.running = Program("node-red", command, cwd=self.home)

    def stored(self):
        with sqlite3.connect(self.database) as connection:
            values = [row[0] for row in connection.execute("SELECT value FROM reading")]
        return values, len(values)


def figure(what, value, peer=None, peer_value=None, goal=None):
    work = f"{METERS} meters a second, {BAUD} 8N1, {seconds} s"
    row = {"bench": "edge", "work": work, "figure": what, "value": value}
    row |= {"peer": peer, "peer_value": peer_value} if peer else {}
    print(json.dumps(row | ({"goal": goal} if goal else {})), flush=True)


def measured(gateway):
    gateway.start()
    time.sleep(WARM_UP_S)
    before, on_device, (_, stored) = gateway.running.cost(), device_bytes(), gateway.stored()
    time.sleep(seconds)
    after = gateway.running.cost()
    on_device = device_bytes() - on_device if args.device else None
    values, all_stored = gateway.stored()
    gateway.running.stop()
    readings = max(all_stored - stored, 1)
    right = {opening(unit) for unit in range(1, METERS + 1)}
    return {
        "readings": readings,
        "wrong values": sum(value not in right for value in values),
        "CPU, s a 1,000 readings": (after["cpu_s"] - before["cpu_s"]) * 1000 / readings,
        "resident, MiB": after["resident_kib"] / 1024,
        "resident at most, MiB": after["peak_kib"] / 1024,
        "written, bytes a reading": (after["written"] - before["written"]) / readings,
        "written to the device, bytes a reading": on_device / readings if args.device else None,
    }


GOALS = {
    "CPU, s a 1,000 readings": "<=1/10 of the better",
    "resident, MiB": "<=1/4 of the better, <=15",
    "written, bytes a reading": "<=1/2 of the better",
}


def compare(port):
    ours = measured(Ours(port))
    board = ThingsBoard(port, free_port())
    board.start_broker()
    others = {board.name: measured(board)}
    board.broker.stop()
    others[NodeRed.name] = measured(NodeRed(port))
    for what, value in ours.items():
        for peer, figures in others.items():
            rounded = [v if v is None else round(v, 3) for v in (value, figures[what])]
            figure(what, rounded[0], peer, rounded[1], GOALS.get(what))


def cold_start(port):
    """What is kept of the readings from before the cloud can be reached."""
    ours = Ours(port, 2)
    ours.start()
    time.sleep(COLD_S)
    kept = len(ours.stored()[0])
    ours.running.stop()
    board = ThingsBoard(port, free_port())
    board.start()
    time.sleep(COLD_S)
    board.start_broker()
    up = time.time() * 1000
    time.sleep(COLD_S)
    arrived = board.arrived()
    before = sum(1 for at, _ in arrived if at < up)
    board.running.stop()
    board.broker.stop()
    figure(f"cold start, kept of the {COLD_S} s without a cloud (ours every 2 s)", kept,
           ThingsBoard.name, before, "all")
    figure("cold start, arrived after the cloud came", None, ThingsBoard.name, len(arrived) - before)


def flash(port):
    """Commits as far apart that what the system writes later is written for each."""
    ours = Ours(port, FLASH_PERIOD_S)
    ours.start()
    time.sleep(FLASH_PERIOD_S)
    before, on_device = ours.running.cost()["written"], device_bytes()
    time.sleep(FLASH_PERIOD_S * FLASH_SWEEPS)
    written = (ours.running.cost()["written"] - before) / FLASH_SWEEPS
    ours_device = (device_bytes() - on_device) / FLASH_SWEEPS if args.device else None
    ours.running.stop()
    figure("written, bytes a sweep of six", round(written))
    figure("written in a year of six meters a minute, GB",
           round(written * SWEEPS_A_YEAR / 1e9, 2), goal="<=5.7")
    if args.device:
        figure("the same on the device with its journal, GB",
               round(ours_device * SWEEPS_A_YEAR / 1e9, 2))


try:
    serial = line()
    compare(serial)
    cold_start(serial)
    flash(serial)
finally:
    for program in list(Program.running):
        program.stop()
