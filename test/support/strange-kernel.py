"""A fake kernel, for the tests of kernels that misbehave.

Real kernels reply late, twice, to nobody or not at all, but none does so when
a test asks for it. This one does what its code says. It stands behind a real
Jupyter server, so that all between it and the Worker is real.

The code that it is given is a JSON list of steps, and nothing else is sent
while it "runs", no ``busy``, no reply and no ``idle``:

    {"send": [channel, msg_type, content]}  a message in answer to the request;
        with "parent": null it answers nothing, with "parent": {...} a request
        whose header differs in that; with "session": "text" it comes from that
        session, and not from the kernel's own
    {"wait": seconds}
    {"untilInterrupted": true}  waits for an ``interrupt_request``, which is
        otherwise not even answered
    {"ignore": [msg_type, ...]}  from now on such requests get no answer
    {"exit": code}  ends the process at once
"""

import json
import os
import sys
import threading
import time

import zmq
from jupyter_client.session import Session

with open(sys.argv[1]) as file:
    CONNECTION = json.load(file)

SESSION = Session(key=CONNECTION["key"].encode())
CONTEXT = zmq.Context()
ANSWERS = {
    "kernel_info_request": {
        "status": "ok",
        "protocol_version": "5.3",
        "implementation": "strange",
        "implementation_version": "1",
        "language_info": {"name": "strange", "file_extension": ".json"},
        "banner": "A fake",
    },
    "is_complete_request": {"status": "unknown"},
    "comm_info_request": {"status": "ok", "comms": {}},
    "complete_request": {"status": "ok", "matches": [], "metadata": {}},
    "inspect_request": {"status": "ok", "found": False, "data": {}, "metadata": {}},
    "history_request": {"status": "ok", "history": []},
}

ignored = {"interrupt_request"}
interrupted = threading.Event()
publishing = threading.Lock()


def bind(kind, name):
    socket = CONTEXT.socket(kind)
    socket.linger = 1000
    socket.bind(f"{CONNECTION['transport']}://{CONNECTION['ip']}:{CONNECTION[name]}")
    return socket


heartbeat = bind(zmq.REP, "hb_port")
iopub = bind(zmq.PUB, "iopub_port")
shell = bind(zmq.ROUTER, "shell_port")
stdin = bind(zmq.ROUTER, "stdin_port")
control = bind(zmq.ROUTER, "control_port")


def send(channel, msg_type, content, identities, parent, session=None):
    message = SESSION.msg(msg_type, content, parent=parent)
    if session is not None:
        message["header"]["session"] = session
    if channel == "iopub":
        with publishing:
            SESSION.send(iopub, message, ident=msg_type.encode())
    else:
        SESSION.send(shell if channel == "shell" else stdin, message, ident=identities)


def run(steps, identities, request):
    for step in steps:
        if "send" in step:
            parent = request
            if "parent" in step:
                differs = step["parent"]
                header = {**request["header"], **(differs or {})}
                parent = None if differs is None else {"header": header}
            send(*step["send"], identities, parent, step.get("session"))
        elif "wait" in step:
            time.sleep(step["wait"])
        elif "untilInterrupted" in step:
            ignored.discard("interrupt_request")
            interrupted.clear()
            interrupted.wait()
        elif "ignore" in step:
            ignored.update(step["ignore"])
        elif "exit" in step:
            os._exit(step["exit"])


def answer(socket, request, identities):
    msg_type = request["header"]["msg_type"]
    if msg_type in ignored:
        return
    with publishing:
        SESSION.send(iopub, "status", {"execution_state": "busy"}, parent=request)
    reply = msg_type.replace("_request", "_reply")
    content = ANSWERS.get(msg_type, {"status": "ok"})
    if msg_type == "shutdown_request":
        content = {"status": "ok", "restart": request["content"].get("restart", False)}
    SESSION.send(socket, reply, content, parent=request, ident=identities)
    with publishing:
        SESSION.send(iopub, "status", {"execution_state": "idle"}, parent=request)
    if msg_type == "interrupt_request":
        interrupted.set()
    elif msg_type == "shutdown_request":
        os._exit(0)


def beat():
    while True:
        heartbeat.send(heartbeat.recv())


def serve(socket):
    while True:
        identities, parts = SESSION.feed_identities(socket.recv_multipart())
        request = SESSION.deserialize(parts)
        if request["header"]["msg_type"] == "execute_request":
            run(json.loads(request["content"]["code"]), identities, request)
        else:
            answer(socket, request, identities)


threading.Thread(target=beat, daemon=True).start()
threading.Thread(target=serve, args=(control,), daemon=True).start()
serve(shell)
