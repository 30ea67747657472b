"""A gateway written by somebody else, from the page of the sync protocol alone.

    third_gateway.py URL CODE --state FILE [--readings FILE] [--wait S] [--cut N] ...

It has no bus: its meters are a file of readings (JSON lines: unit_id, point, at, value, unit,
raw, profile, closes; or {"lost": N}). What it must remember lies in one SQLite file, so that a
second start goes on where the first ended. At its end it prints one JSON object.
"""
import argparse, json, secrets, time
from datetime import timedelta
from third_buffer import Buffer
from third_texts import DAWN, canonical, digest, key_text, millis, new_id, public, sign
from third_wire import Refused, Wire

SOFTWARE = "third-gateway 1"


class Gateway:
    """One gateway: its disk, its key, and its way to the cloud.

    Parts: `third_buffer.py` (its disk), `third_wire.py` (requests), `third_texts.py` (what is
    digested and signed). `self.own` is what the buffer remembers besides the readings.
    """

    def __init__(self, options):
        self.options, self.buffer, self.ahead, self.sent = options, Buffer(options.state), 0, 0
        self.own, self.wire = self.buffer.own, Wire(options.url, options.tries)
        self.wire.token = self.own.get("token")

    def now(self):
        """The cloud's time once it has told, the machine's before; as it is written."""
        at = DAWN + timedelta(milliseconds=int(time.time() * 1000) + self.ahead)
        return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def enrol(self):
        """Spends the code, unless a token is kept already. The key is on the disk first."""
        self.buffer.save()
        if "token" in self.own:
            return
        reply = self.wire.ask("POST", "enrol", {
            "code": self.options.code, "public_key": public(self.own["secret"]),
            "host": "third", "software": SOFTWARE, "protocols": [1]})
        self.own |= {"token": reply["token"], "gateway": reply["gateway"],
                     "epoch": new_id(), "next": 1, "cursor": 0}
        self.wire.token = reply["token"]
        self.buffer.save()

    def fetch_devices(self):
        """The list of devices; a chain that is ahead of ours is gone on with."""
        self.own["devices"] = self.wire.ask("GET", "devices")
        for mounting in self.buffer.mountings():
            head = mounting.get("head") or {"link": 0}
            if head["link"] > self.own["heads"].get(mounting["meter"], {"link": 0})["link"]:
                self.own["heads"][mounting["meter"]] = head
        self.buffer.save()

    def batch(self, rows):
        """The message that carries these rows; without any it is a heartbeat."""
        waiting = sum(1 for _, text, _ in self.buffer.rows(self.own["cursor"]) if text)
        report = {"at": self.now(), "software": SOFTWARE, "settled_through": self.now(),
                  "waiting": waiting,
                  "buses": [{"name": self.options.bus, "line": "a file of readings"}]}
        if version := self.own["devices"].get("version"):
            report["devices_version"] = version
            report["devices"] = [{"device": device, "last_good_at": reading["at"]}
                                 for device, reading in self.buffer.newest().items()]
        return {"protocol": 1, "epoch": self.own["epoch"], "report": report,
                "readings": [{"seq": seq, **json.loads(text)} for seq, text, _ in rows if text],
                "losses": [json.loads(loss) for _, _, loss in rows if loss]}

    def heartbeat(self):
        """Lets the cloud tell where to go on, and what the time is."""
        self.settle(self.wire.ask("POST", "batch", self.batch([])))

    def settle(self, reply):
        """What the page demands of a gateway that was answered."""
        if reply.get("now"):
            self.ahead = millis(reply["now"]) - int(time.time() * 1000)
        through, kept, conflicts = reply["acknowledged_through"], reply.get("last_kept"), set()
        mine = self.buffer.rows(kept["seq"] - 1, 1) if kept else []
        other = any(seq == kept["seq"] and text and digest(canonical(json.loads(text)))
                    != kept["digest"] for seq, text, _ in mine)
        if other or through >= self.own["next"]:
            self.buffer.begin_epoch()
            return self.fetch_devices()  # an old copy: its heads may be old as well
        for no in reply.get("rejected") or []:
            self.own["apart"].append({"epoch": self.own["epoch"], **no})
            conflicts |= {no["seq"]} if no["code"] == "conflict" else set()
        self.own["cursor"] = through
        self.buffer.save()
        if conflicts:
            self.buffer.begin_epoch(conflicts)
        if conflicts or reply["devices_version"] != self.own["devices"].get("version"):
            self.fetch_devices()

    def sync(self):
        """Sends all that waits, beginning with a heartbeat; sends less at once when told to."""
        self.heartbeat()
        size = self.options.size
        while rows := self.buffer.rows(self.own["cursor"], size):
            message = self.batch(rows)
            self.sent += 1
            cuts = ("half of the request", "before the answer") * (self.sent == self.options.cut)
            for _ in range(1 + (self.sent == self.options.repeat)):
                status, reply = self.wire.call("POST", "batch", message, cuts=cuts)
            if status == 200:
                self.settle(reply)
                size = self.options.size
            elif status == 409 and "resend_from" in reply:
                self.own["cursor"] = reply["resend_from"] - 1
            elif status in (400, 413) and reply.get("code") != "protocol":
                size = max(1, len(rows) // 2)
                if len(rows) == 1:
                    self.set_aside(rows[0], reply)
            else:
                raise Refused(status, reply)

    def set_aside(self, row, problem):
        """A reading that the cloud cannot read at all becomes a loss, with its reason kept."""
        seq, reading, _ = row
        self.heartbeat()  # if this is refused as well, the reading is not to blame
        if reading is None:
            raise Refused(400, problem)
        self.own["apart"].append({"epoch": self.own["epoch"], "seq": seq, "reading": reading,
                                  "reason": problem.get("error")})
        self.buffer.put(seq, None, {"first": seq, "last": seq, "lost": 1, "reason": "damage",
                             "gravest": "closing"})
        self.buffer.save()

    def commands(self):
        """Waits once for commands, does each once, and answers."""
        found = self.wire.ask("GET", f"commands?wait_s={self.options.wait}")["commands"]
        for each in found:
            if each["id"] not in self.own["answers"]:
                does = {"read": self.read_now, "change_key": self.change_key,
                        "diagnose": lambda _: {"lines": [{"name": "file", "value": "it is there"}]}}
                self.own["answers"][each["id"]] = does.get(each["do"], lambda _: {
                    "error": f"this gateway does not know the command {each['do']}"})(each)
                self.buffer.save()
            status, reply = self.wire.call("POST", "commands/" + each["id"],
                                      {"at": self.now(), **self.own["answers"][each["id"]]})
            if status not in (204, 404):
                raise Refused(status, reply)
        return [each["do"] for each in found]

    def read_now(self, command):
        """The registers still hold what was read last: that is what they say now."""
        last = {}
        for _, text, _ in self.buffer.rows(0):
            reading = json.loads(text) if text else {}
            if reading.get("device") == command.get("device"):
                last[reading["point"]] = reading
        for reading in last.values():
            self.buffer.store({name: value for name, value in reading.items()
                        if name not in ("seal", "closes")} | {"at": self.now()})
        return {"lines": [{"name": point, "value": " ".join(reading["quantity"].values())}
                          for point, reading in last.items()]} if last else {
            "error": "this gateway has no reading of that device yet"}

    def change_key(self, _):
        """A new key, offered by the old one; the old token goes when the new one was answered."""
        fresh = secrets.token_hex(32)
        said = {"public_key": public(fresh), "signature": sign(
            self.own["secret"], key_text(self.own["gateway"], public(fresh)))}
        self.own["fresh"] = {"secret": fresh, "token": self.wire.ask("POST", "key", said)["token"]}
        self.buffer.save()
        status, reply = self.wire.call("GET", "devices", token=self.own["fresh"]["token"])
        fresh = self.own.pop("fresh")
        if status != 200:
            return {"error": f"the new token was refused: {reply.get('error')}"}
        self.own |= fresh
        self.wire.token = fresh["token"]
        return {"lines": [{"name": "key", "value": public(self.own["secret"])}]}


def main():
    """Enrols if it must, sends what there is, waits for commands once, and says how it went."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("url")
    options.add_argument("code", help="the one-use code; not used when enrolled already")
    options.add_argument("--state", default="third.sqlite3", help="the database it keeps")
    options.add_argument("--readings", help="file of readings to send")
    options.add_argument("--wait", type=int, default=25, help="seconds to wait for commands")
    options.add_argument("--bus", default="main", help="name of its bus in the report")
    options.add_argument("--size", type=int, default=2000, help="readings in a batch at most")
    options.add_argument("--cut", type=int, help="break off the Nth batch twice, then send it")
    options.add_argument("--repeat", type=int, help="send the Nth batch once more")
    options.add_argument("--tries", type=int, default=8, help="of one request before it gives up")
    gateway, said = Gateway(options.parse_args()), {}
    try:
        gateway.enrol()
        gateway.heartbeat()
        gateway.fetch_devices()  # heads move without a new version
        if gateway.options.readings:
            gateway.buffer.take(gateway.options.readings)
        gateway.sync()
        said["commands"] = gateway.commands()
        gateway.sync()
        gateway.heartbeat()  # tells that nothing waits any more
    except Refused as refused:
        said["error"] = list(refused.args)
    own = gateway.own
    waiting = gateway.buffer.rows(own["cursor"]) if "cursor" in own else []
    print(json.dumps(said | {
        "gateway": own.get("gateway"), "epoch": own.get("epoch"), "heads": own["heads"],
        "acknowledged": own.get("cursor"), "waiting": len(waiting), "rejected": own["apart"],
        "interrupted": gateway.wire.interrupted, "batches": gateway.sent,
        "skipped": gateway.buffer.skipped}))


if __name__ == "__main__":
    main()
