"""What the gateway must not forget: readings, numbers, chains, in one SQLite file."""
import json, os, secrets, sqlite3
from third_texts import digest, loss_text, millis, new_id, seal_text, sign


class Buffer:
    """The gateway's disk. `own` holds all but the readings: token, secret, epoch, next number,
    cursor, device list, heads of the chains, mountings that have begun, readings set apart.
    A change of it and of the rows is one transaction, ended by `save`.
    """

    def __init__(self, path):
        os.close(os.open(path, os.O_CREAT, 0o600))
        self.disk, self.skipped = sqlite3.connect(path), 0
        self.disk.executescript("""
            create table if not exists own (id integer primary key, facts text);
            create table if not exists rows (epoch text, seq integer, reading text, loss text,
                                             primary key (epoch, seq));""")
        found = self.disk.execute("select facts from own").fetchone()
        self.own = json.loads(found[0]) if found else {
            "secret": secrets.token_hex(32), "devices": {}, "heads": {}, "begun": [],
            "apart": [], "files": [], "answers": {}}

    def save(self):
        """Writes what it remembers and ends the transaction: after this it is on the disk."""
        self.disk.execute("replace into own values (1, ?)", [json.dumps(self.own)])
        self.disk.commit()

    def mountings(self):
        """All that the devices serve, each with its device."""
        return [{**mounting, "device": device["id"]} for device in self.own["devices"]["devices"]
                for mounting in device.get("mountings") or []]

    def take(self, path):
        """A file goes into the buffer, once, in one transaction."""
        with open(path, encoding="utf-8") as lines:
            for line in map(json.loads, lines) if path not in self.own["files"] else ():
                self.store(loss=line) if "lost" in line else self.append(line)
        self.own["files"].append(path)
        self.save()

    def append(self, line):
        """One reading, sealed if a bill rests on it; number, seal and head belong together."""
        device = next((device["id"] for device in self.own["devices"]["devices"]
                       if device["unit_id"] == line["unit_id"]), None)
        if device is None:
            self.skipped += 1
            return
        reading = {"at": line["at"], "clock": "trusted", "device": device,
                   "quantity": {"value": line["value"], "unit": line["unit"]},
                   **{name: line[name] for name in ("point", "raw", "profile")}}
        if line.get("closes"):
            reading["closes"] = line["closes"]
        serving = [each for each in self.mountings() if each["device"] == device
                   and each["point"] == line["point"]
                   and millis(each["from"]) <= millis(line["at"])]
        if serving:
            newest = max(serving, key=lambda each: millis(each["from"]))
            mounting = [newest[name] for name in ("meter", "device", "point", "from")]
            if mounting not in self.own["begun"] or "closes" in reading:
                self.seal(reading, newest["meter"])
            if mounting not in self.own["begun"]:
                self.own["begun"].append(mounting)
        self.store(reading)

    def seal(self, reading, meter):
        """Makes the reading the next link of the meter's chain."""
        head = self.own["heads"].get(meter, {"link": 0, "digest": "0" * 64})
        text = seal_text(reading, meter, head["link"] + 1, head["digest"])
        reading["seal"] = {"meter": meter, "link": head["link"] + 1, "previous": head["digest"],
                           "signature": sign(self.own["secret"], text)}
        self.own["heads"][meter] = {"link": head["link"] + 1, "digest": digest(text)}

    def store(self, reading=None, loss=None):
        """Gives the next number to a reading, or the next numbers to a loss."""
        first, count = self.own["next"], loss["lost"] if loss else 1
        loss = loss and {"lost": count, "reason": "other", "gravest": "closing", **loss,
                         "first": first, "last": first + count - 1}
        self.put(first, reading, loss)
        self.own["next"] = first + count

    def put(self, seq, reading, loss):
        """A row under its number; a loss is signed for this epoch."""
        if loss:
            text = loss_text(self.own["epoch"], loss)
            loss = json.dumps({**loss, "signature": sign(self.own["secret"], text)})
        self.disk.execute("replace into rows values (?, ?, ?, ?)", (
            self.own["epoch"], seq, reading and json.dumps(reading), loss))

    def begin_epoch(self, conflicts=()):
        """A new life: what is not acknowledged goes along, in order, under new numbers."""
        along = [row for row in self.rows(0) if row[0] > self.own["cursor"] or row[0] in conflicts]
        self.own |= {"epoch": new_id(), "next": 1, "cursor": 0}
        for _, reading, loss in along:
            self.store(reading and json.loads(reading), loss and json.loads(loss))
        self.save()

    def rows(self, above, size=-1):
        """The rows of this epoch above a number."""
        return self.disk.execute(
            "select seq, reading, loss from rows where epoch = ? and "
            "coalesce(json_extract(loss, '$.last'), seq) > ? order by seq limit ?",
            (self.own["epoch"], above, size)).fetchall()

    def newest(self):
        """The last reading of each device."""
        read = (json.loads(text) for _, text, _ in self.rows(0) if text)
        return {reading["device"]: reading for reading in read}
