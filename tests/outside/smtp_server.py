"""An SMTP server that takes mail only after STARTTLS and a sign-in, by aiosmtpd.

smtp_server.py FOLDER: makes a certificate for localhost in FOLDER, prints the port, and
writes every mail to FOLDER/N.eml. It refuses what a strict server would: a sign-in in the
clear, a wrong password, mail without a sign-in.
"""

import asyncio
import ssl
import subprocess
import sys
from pathlib import Path

from aiosmtpd.smtp import SMTP, AuthResult

USER, PASSWORD = b"billing", b"s3cret words"


def certificate(folder):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE",
         "-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")],
        check=True, capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    return context


class Keeper:
    def __init__(self, folder):
        self.folder, self.count = folder, 0

    async def handle_DATA(self, server, session, envelope):
        self.count += 1
        beside = self.folder / f"{self.count}.part"
        to = ", ".join(envelope.rcpt_tos)
        beside.write_bytes(f"X-Envelope-To: {to}\r\n".encode() + envelope.original_content)
        beside.rename(self.folder / f"{self.count}.eml")
        return "250 kept"


def check(server, session, envelope, mechanism, data):
    good = data.login == USER and data.password == PASSWORD
    return AuthResult(success=good, handled=good)


async def main(folder):
    context, keeper = certificate(folder), Keeper(folder)

    def connection():
        return SMTP(
            keeper, hostname="localhost", tls_context=context, require_starttls=True,
            auth_required=True, authenticator=check, enable_SMTPUTF8=True,
        )

    server = await asyncio.get_running_loop().create_server(connection, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    (folder / "port.part").write_text(str(port))
    (folder / "port.part").rename(folder / "port")
    await server.serve_forever()


asyncio.run(main(Path(sys.argv[1])))
