"""How a request reaches the cloud, is tried again, and is broken off on purpose."""
import http.client, json, random, ssl, time
from urllib.parse import urlsplit
import zstandard


class Refused(Exception):
    """The cloud said what sending again does not mend: status and problem."""


class Wire:
    """The way to the cloud; `token` opens it once the gateway is enrolled."""

    def __init__(self, url, tries):
        self.url, self.tries, self.token, self.interrupted = urlsplit(url), tries, None, 0
        self.secure = self.url.scheme == "https"
        if not self.secure and self.url.hostname not in ("127.0.0.1", "localhost", "::1"):
            raise SystemExit("plain HTTP is for loopback alone: use https")

    def once(self, method, path, body, token, cut):
        """One request: (0, …) when no whole answer came; `cut` breaks it off on purpose."""
        more = {"context": ssl.create_default_context()} if self.secure else {}
        line = (http.client.HTTPSConnection if self.secure else http.client.HTTPConnection)(
            self.url.hostname, self.url.port, timeout=90, **more)
        headers = {"Authorization": "Bearer " + token} if token else {}
        if body is not None:
            body, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
            if path == "batch" and len(body) > 1000:
                body, headers["Content-Encoding"] = zstandard.compress(body), "zstd"
            headers["Content-Length"] = str(len(body))
            body = body[: len(body) // 2] if cut == "half of the request" else body
        try:
            line.request(method, self.url.path.rstrip("/") + "/sync/v1/" + path, body, headers)
            if cut:
                return 0, {}, {}
            answer = line.getresponse()
            text = answer.read()
            try:
                return answer.status, answer.headers, json.loads(text or "{}")
            except ValueError:  # a proxy's page: the status tells, unless it claims success
                return answer.status % 200 and answer.status, answer.headers, {}
        except (OSError, http.client.HTTPException):
            return 0, {}, {}
        finally:
            line.close()

    def call(self, method, path, body=None, token=None, cuts=()):
        """Sends until it is answered: waits as told after 429, 5xx and silence."""
        for failures in range(self.tries):
            cut = cuts[failures] if failures < len(cuts) else None
            self.interrupted += cut is not None
            status, headers, reply = self.once(
                method, path, body, token or self.token, cut)
            if status and status != 429 and status < 500:
                return status, reply
            told = headers.get("Retry-After", "")
            wait = int(told) if told.isdigit() else min(300, 2 ** failures)
            time.sleep(wait * (1 + random.random() / 2))
        raise Refused(status, reply)

    def ask(self, *request):
        """A request that has to succeed."""
        status, reply = self.call(*request)
        if status not in (200, 204):
            raise Refused(status, reply)
        return reply
