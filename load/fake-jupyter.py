"""A fake Jupyter server, for the load run.

Two hundred real kernels need more memory and processors than the machine has
that measures the Worker, and what would be measured then is they. This one
process stands in for a server with all its kernels. It speaks the real protocol
(the REST calls that the Worker makes of kernels, and the kernel channels as
``v1.kernel.websocket.jupyter.org``) with the messages, in the order, that
jupyter_server and ipykernel send; test/e2e/fake-jupyter.test.ts compares the
two. As a real server does, it keeps what a kernel sends while nobody is
connected, for whoever comes back with the same session id.

It runs no code. The first line of what it is given says what it shall do, and
the lines below it are Python that does the same in a real kernel:

    # fake: nothing
    # fake: result TEXT
    # fake: print LINES PER_SECOND CHARS
    # fake: sleep SECONDS
    # fake: fail

Behind ``/api/counts`` is what no real server tells: how many sockets are open,
and how many kernels there are.
"""

import asyncio
import json
import logging
import os
import struct
import sys
import uuid
from datetime import datetime, timezone

from tornado import httpserver, netutil, web, websocket

SUBPROTOCOL = "v1.kernel.websocket.jupyter.org"
TOKEN = os.environ["FAKE_JUPYTER_TOKEN"]
SPEC = {
    "name": "python3",
    "spec": {"language": "python", "display_name": "Python 3 (fake)", "argv": []},
    "resources": {},
}
KERNEL_INFO = {
    "status": "ok",
    "protocol_version": "5.3",
    "implementation": "ipython",
    "implementation_version": "fake",
    "language_info": {"name": "python", "version": "3", "file_extension": ".py"},
    "banner": "A fake",
    "help_links": [],
    "debugger": False,
}
kernels = {}
connected = set()
sent = 0


def now():
    return datetime.now(timezone.utc).isoformat().replace("+00:00", "Z")


def pack(channel, header, parent, metadata, content):
    parts = [channel.encode()]
    parts += [json.dumps(part).encode() for part in (header, parent, metadata, content)]
    offsets = [8 * (len(parts) + 2)]
    for part in parts:
        offsets.append(offsets[-1] + len(part))
    return struct.pack(f"<{len(offsets) + 1}Q", len(offsets), *offsets) + b"".join(parts)


def unpack(frame):
    (count,) = struct.unpack_from("<Q", frame)
    offsets = struct.unpack_from(f"<{count}Q", frame, 8)
    parts = [frame[start:end] for start, end in zip(offsets, offsets[1:])]
    return parts[0].decode(), *(json.loads(part) for part in parts[1:5])


class Fail(Exception):
    """What the code raises."""


class Kernel:
    def __init__(self):
        self.id = str(uuid.uuid4())
        self.session = str(uuid.uuid4())
        self.sockets = set()
        self.buffer = []
        self.buffer_session = None
        self.state = "idle"
        self.count = 0
        self.messages = 0
        self.queue = asyncio.Queue()
        self.running = None
        self.has_ended = False
        self.activity = now()
        self.task = asyncio.create_task(self.serve())

    def model(self):
        return {
            "id": self.id,
            "name": SPEC["name"],
            "last_activity": self.activity,
            "execution_state": self.state,
            "connections": len(self.sockets),
        }

    def send(self, channel, msg_type, content, parent, to=None, metadata=None):
        """To everybody where it is published, else to the session that asked; kept where nobody is there."""
        global sent
        self.messages += 1
        header = {
            "msg_id": f"{self.session}_{self.messages}",
            "msg_type": msg_type,
            "username": "username",
            "session": self.session,
            "date": now(),
            "version": "5.3",
        }
        frame = pack(channel, header, parent, metadata or {}, content)
        listeners = [each for each in self.sockets if to is None or each.session == to]
        for each in listeners:
            sent += 1
            each.deliver(frame)
        if not self.sockets and self.buffer_session is not None:
            self.buffer.append(frame)

    def publish(self, msg_type, content, parent):
        self.send("iopub", msg_type, content, parent)

    def status(self, state, parent):
        self.state = state
        self.activity = now()
        self.publish("status", {"execution_state": state}, parent)

    async def serve(self):
        while True:
            channel, header, content, socket_session = await self.queue.get()
            self.status("busy", header)
            answer = getattr(self, header["msg_type"], None)
            if answer is not None:
                await answer(channel, header, content, socket_session)
            self.status("idle", header)

    async def kernel_info_request(self, channel, header, content, to):
        self.send(channel, "kernel_info_reply", KERNEL_INFO, header, to)

    async def execute_request(self, channel, header, content, to):
        started = now()
        code = content["code"]
        self.count += 1
        execution = {"code": code, "execution_count": self.count}
        self.publish("execute_input", execution, header)
        reply = {"status": "ok", "execution_count": self.count}
        self.running = asyncio.create_task(self.run(code, header))
        try:
            await self.running
            reply |= {"user_expressions": {}, "payload": []}
        except (Fail, asyncio.CancelledError) as error:
            if self.has_ended:
                raise
            is_failure = isinstance(error, Fail)
            error = {
                "ename": "ZeroDivisionError" if is_failure else "KeyboardInterrupt",
                "evalue": "division by zero" if is_failure else "",
                "traceback": ["Traceback (most recent call last)"],
            }
            self.publish("error", error, header)
            reply |= {"status": "error", "user_expressions": {}, "payload": [], **error}
        self.running = None
        metadata = {
            "started": started,
            "dependencies_met": True,
            "engine": self.session,
            "status": reply["status"],
        }
        self.send(channel, "execute_reply", reply, header, to, metadata)
        if reply["status"] == "error":
            self.abort_queued()

    def abort_queued(self):
        """What waits behind a run that fails is aborted, as ipykernel does it."""
        while not self.queue.empty():
            channel, header, _, to = self.queue.get_nowait()
            reply_type = header["msg_type"].replace("_request", "_reply")
            self.status("busy", header)
            metadata = {"started": now(), "engine": self.session, "status": "aborted"}
            self.send(channel, reply_type, {"status": "aborted"}, header, to, metadata)
            self.status("idle", header)

    async def run(self, code, parent):
        order, _, rest = code.partition("\n")[0].removeprefix("# fake: ").partition(" ")
        if order == "nothing":
            return
        if order == "result":
            data = {"text/plain": rest}
            result = {"data": data, "metadata": {}, "execution_count": self.count}
            self.publish("execute_result", result, parent)
        elif order == "print":
            lines, per_second, chars = (float(each) for each in rest.split(" "))
            await self.print(int(lines), per_second, "y" * int(chars), parent)
        elif order == "sleep":
            await asyncio.sleep(float(rest))
        elif order == "fail":
            raise Fail
        else:
            raise SystemExit(f"This fake cannot do: {code[:80]}")

    async def print(self, lines, per_second, text, parent):
        loop = asyncio.get_running_loop()
        begun = loop.time()
        for line in range(lines):
            stream = {"name": "stdout", "text": f"{line} {text}\n"}
            self.publish("stream", stream, parent)
            await asyncio.sleep(max(0, begun + (line + 1) / per_second - loop.time()))

    def interrupt(self):
        if self.running is not None:
            self.running.cancel()

    def end(self):
        """Whoever is connected is told so, and stays connected."""
        asked = {"msg_id": str(uuid.uuid4()), "msg_type": "shutdown_request", "session": "server"}
        self.status("busy", asked)
        self.publish("shutdown_reply", {"status": "ok", "restart": False}, asked)
        self.status("idle", asked)
        self.has_ended = True
        self.task.cancel()
        self.interrupt()
        del kernels[self.id]


class Handler(web.RequestHandler):
    def prepare(self):
        if self.request.headers.get("Authorization") != f"token {TOKEN}":
            raise web.HTTPError(403)

    def write_error(self, status_code, **kwargs):
        self.answer({"message": self._reason, "reason": None}, status_code)

    def answer(self, value, status=200):
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(value))

    def kernel(self, kernel_id):
        if kernel_id not in kernels:
            raise web.HTTPError(404)
        return kernels[kernel_id]


class Version(web.RequestHandler):
    def get(self):
        self.finish({"version": "2.17.0"})


class Status(Handler):
    def get(self):
        state = {"started": now(), "last_activity": now(), "kernels": len(kernels)}
        self.answer(state | {"connections": len(connected)})


class Me(Handler):
    def get(self):
        self.answer({"identity": {"username": "fake", "name": "Fake"}, "permissions": {}})


class Kernelspecs(Handler):
    def get(self):
        self.answer({"default": SPEC["name"], "kernelspecs": {SPEC["name"]: SPEC}})


class Kernels(Handler):
    def get(self):
        self.answer([each.model() for each in kernels.values()])

    def post(self):
        started = Kernel()
        kernels[started.id] = started
        self.answer(started.model(), 201)


class OneKernel(Handler):
    def get(self, kernel_id):
        self.answer(self.kernel(kernel_id).model())

    def delete(self, kernel_id):
        self.kernel(kernel_id).end()
        self.set_status(204)


class Interrupt(Handler):
    def post(self, kernel_id):
        self.kernel(kernel_id).interrupt()
        self.set_status(204)


class Counts(Handler):
    def get(self):
        self.answer({"sockets": len(connected), "kernels": len(kernels), "sent": sent})


class Channels(websocket.WebSocketHandler):
    kernel = None
    session = ""

    def prepare(self):
        if self.request.headers.get("Authorization") != f"token {TOKEN}":
            raise web.HTTPError(403)
        if self.path_args[0] not in kernels:
            raise web.HTTPError(404)

    def check_origin(self, origin):
        return True

    def select_subprotocol(self, subprotocols):
        return SUBPROTOCOL if SUBPROTOCOL in subprotocols else None

    def open(self, kernel_id):
        self.set_nodelay(True)
        self.kernel = kernels[kernel_id]
        self.session = self.get_argument("session_id", "")
        kept = self.kernel.buffer if self.kernel.buffer_session == self.session else []
        self.kernel.buffer, self.kernel.buffer_session = [], None
        self.kernel.sockets.add(self)
        connected.add(self)
        for frame in kept:
            self.deliver(frame)

    def deliver(self, frame):
        # One that has just been closed by the other end is not off the list yet.
        try:
            written = self.write_message(frame, binary=True)
            written.add_done_callback(lambda done: done.exception())
        except websocket.WebSocketClosedError:
            pass

    def on_message(self, frame):
        channel, header, _, _, content = unpack(frame)
        self.kernel.queue.put_nowait((channel, header, content, self.session))

    def on_close(self):
        if self.kernel is None:
            return
        connected.discard(self)
        self.kernel.sockets.discard(self)
        if not self.kernel.sockets:
            self.kernel.buffer_session = self.session


async def end_with_parent():
    """Its standard input is a pipe from whoever started it."""
    await asyncio.to_thread(sys.stdin.read)


async def main():
    # What the Worker asks in vain is no trouble of this server.
    logging.getLogger("tornado.access").setLevel(logging.ERROR)
    app = web.Application(
        [
            ("/api", Version),
            ("/api/status", Status),
            ("/api/me", Me),
            ("/api/kernelspecs", Kernelspecs),
            ("/api/kernels", Kernels),
            ("/api/counts", Counts),
            ("/api/kernels/([^/]+)", OneKernel),
            ("/api/kernels/([^/]+)/interrupt", Interrupt),
            ("/api/kernels/([^/]+)/channels", Channels),
        ]
    )
    server = httpserver.HTTPServer(app)
    (listening,) = netutil.bind_sockets(0, "127.0.0.1")
    server.add_socket(listening)
    print(listening.getsockname()[1], flush=True)
    await end_with_parent()


asyncio.run(main())
