"""The way of this project's seed, to be measured beside ours.

The seed is an MCP server in Python over stdio. This one has its steps and
nothing else: a look at the kernel and a WebSocket for each run, the token in the
URL, an end at `execute_reply`; a whole notebook fetched and saved for a cell; one
request for each notebook and query.

    JUPYTER_URL=… JUPYTER_TOKEN=… JUPYTER_KERNEL=… python seeds_way.py
"""

import json
import os
import uuid
from datetime import datetime, timezone

import requests
import websockets
from mcp.server import MCPServer

URL = os.environ["JUPYTER_URL"]
TOKEN = os.environ["JUPYTER_TOKEN"]
KERNEL = os.environ["JUPYTER_KERNEL"]

server = MCPServer("seeds-way")


def ask(path, method="GET", body=None):
    headers = {"Authorization": f"token {TOKEN}"}
    answer = requests.request(method, URL + path, headers=headers, json=body)
    answer.raise_for_status()
    return answer.json()


async def run(code):
    # Whether the kernel that it remembers is there.
    ask(f"/api/kernels/{KERNEL}")
    address = f"{URL.replace('http', 'ws', 1)}/api/kernels/{KERNEL}/channels?token={TOKEN}"
    msg_id = str(uuid.uuid4())
    request = {
        "header": {
            "msg_id": msg_id,
            "username": "",
            "session": str(uuid.uuid4()),
            "date": datetime.now(timezone.utc).isoformat(),
            "msg_type": "execute_request",
            "version": "5.3",
        },
        "parent_header": {},
        "metadata": {},
        "content": {"code": code, "silent": False, "store_history": True, "allow_stdin": False},
        "channel": "shell",
        "buffers": [],
    }
    text = []
    async with websockets.connect(address, max_size=None) as socket:
        await socket.send(json.dumps(request))
        while True:
            message = json.loads(await socket.recv())
            if message["parent_header"].get("msg_id") != msg_id:
                continue
            if message["msg_type"] == "stream":
                text.append(message["content"]["text"])
            if message["msg_type"] == "execute_reply":
                return "".join(text)


@server.tool()
async def compute(code: str) -> str:
    return await run(code)


@server.tool()
async def execute_notebook_cell(path: str, index: int) -> str:
    notebook = ask(f"/api/contents/{path}")
    cell = notebook["content"]["cells"][index]
    text = await run(cell["source"])
    cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": text}]
    body = {"type": "notebook", "format": "json", "content": notebook["content"]}
    ask(f"/api/contents/{path}", "PUT", body)
    return text


@server.tool()
async def search_notebooks(folder: str, query: str) -> str:
    entries = ask(f"/api/contents/{folder}")["content"]
    notebooks = [entry["path"] for entry in entries if entry["type"] == "notebook"]
    return "\n".join(
        path
        for path in notebooks
        if any(query in cell["source"] for cell in ask(f"/api/contents/{path}")["content"]["cells"])
    )


server.run("stdio")
