"""What the page of the sync protocol says is written, digested and signed, as Python texts."""
import base64, hashlib, secrets
from datetime import datetime, timedelta, timezone
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
DAWN = datetime(1970, 1, 1, tzinfo=timezone.utc)


def new_id():
    """63 random bits in Crockford's base 32."""
    bits = secrets.randbits(63)
    return "".join(DIGITS[bits >> 5 * place & 31] for place in range(12, -1, -1))


def millis(instant):
    """An instant in milliseconds since 1970, finer parts cut off; `-` if there is none."""
    if not instant:
        return "-"
    return (datetime.fromisoformat(instant) - DAWN) // timedelta(milliseconds=1)


def canonical(reading):
    """The ten lines a digest is made of; neither the number nor the seal is among them."""
    boot, quantity = reading.get("since_boot"), reading.get("quantity")
    boot = f"{boot['boot']} {boot['elapsed_ms']}" if boot else "-"
    value = f"{quantity['value']} {quantity['unit']}" if quantity else "-"
    return (f"at {millis(reading['at'])}\nclock {reading['clock']}\nboot {boot}\n"
            f"device {reading['device']}\npoint {reading['point']}\nvalue {value}\n"
            f"suspect {reading.get('suspect', '-')}\nraw {reading['raw']}\n"
            f"profile {reading['profile']}\ncloses {reading.get('closes', '-')}\n")


def seal_text(reading, meter, link, previous):
    """What the signature and the digest of a link are of."""
    return (f"enervue-seal 1\nmeter {meter}\nlink {link}\nprevious {previous}\n"
            + canonical(reading))


def loss_text(epoch, loss):
    """What the signature of a loss is of."""
    return (f"enervue-loss 1\nepoch {epoch}\nfirst {loss['first']}\nlast {loss['last']}\n"
            f"reason {loss['reason']}\ngravest {loss['gravest']}\nfrom {millis(loss.get('from'))}\n"
            f"until {millis(loss.get('until'))}\ndevices {' '.join(loss.get('devices') or '-')}\n")


def key_text(gateway, key):
    """What the old key signs when another takes its place."""
    return f"enervue-key 1\ngateway {gateway}\nkey {key}\n"


def digest(text):
    """SHA-256 in lower-case hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def key_of(secret):
    """The signing key of 64 hexadecimal digits."""
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(secret))


def sign(secret, text):
    """The signature of a text in base 64."""
    return base64.b64encode(key_of(secret).sign(text.encode())).decode()


def public(secret):
    """The public half of a secret in base 64."""
    return base64.b64encode(key_of(secret).public_key().public_bytes_raw()).decode()
