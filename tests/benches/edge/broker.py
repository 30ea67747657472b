"""As much of an MQTT broker as ThingsBoard's gateway needs, and a record of what it is sent.

broker.py PORT FILE: each telemetry value that arrives is a line of FILE: DEVICE TS VALUE.
"""

import json
import socketserver
import sys

ASKED = "v1/devices/me/rpc/request/"
ANSWERED = "v1/devices/me/rpc/response/"


def telemetry(payload):
    for device, entries in json.loads(payload).items():
        for entry in entries if isinstance(entries, list) else [entries]:
            values = entry.get("values", entry)
            for value in values.values():
                yield f"{device} {entry.get('ts', 0)} {value}\n"


class Conversation(socketserver.StreamRequestHandler):
    def packet(self):
        first = self.rfile.read(1)
        if not first:
            return None, b""
        length = shift = 0
        while True:
            byte = self.rfile.read(1)[0]
            length |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return first[0], self.rfile.read(length)

    def properties(self, body, at):
        """Where what follows the properties begins; versions before 5 have none."""
        if not self.has_properties:
            return at
        length = shift = 0
        while True:
            byte, at = body[at], at + 1
            length |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return at + length

    def handle(self):
        while True:
            head, body = self.packet()
            if head is None or head >> 4 == 14:
                return
            kind, qos = head >> 4, head >> 1 & 3
            if kind == 1:
                self.has_properties = body[6] >= 5
            none = b"\0" if self.has_properties else b""  # the length of no properties
            if kind == 1:
                self.wfile.write(bytes([0x20, 2 + len(none), 0, 0]) + none)
            elif kind == 8:
                count, at = 0, self.properties(body, 2)
                while at < len(body):
                    at += 2 + int.from_bytes(body[at : at + 2], "big") + 1
                    count += 1
                granted = body[:2] + none + bytes([1] * count)
                self.wfile.write(bytes([0x90, len(granted)]) + granted)
            elif kind == 10:
                left = body[:2] + none + (b"\0" if none else b"")
                self.wfile.write(bytes([0xB0, len(left)]) + left)
            elif kind == 12:
                self.wfile.write(bytes([0xD0, 0]))
            elif kind == 3:
                end = 2 + int.from_bytes(body[:2], "big")
                topic, number = body[2:end].decode(), body[end : end + 2]
                start = self.properties(body, end + (2 if qos else 0))
                if topic == "v1/gateway/telemetry":
                    with open(sys.argv[2], "a", encoding="utf-8") as file:
                        file.writelines(telemetry(body[start:]))
                if qos:
                    self.wfile.write(bytes([0x40, 2]) + number)
                if topic.startswith(ASKED):
                    # It sends nothing before it has heard whether there are limits.
                    answer = (ANSWERED + topic.removeprefix(ASKED)).encode()
                    message = len(answer).to_bytes(2, "big") + answer + none + b'{"error":"no limits"}'
                    self.wfile.write(bytes([0x30, len(message)]) + message)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


Server(("127.0.0.1", int(sys.argv[1])), Conversation).serve_forever()
