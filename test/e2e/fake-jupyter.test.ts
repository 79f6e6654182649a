import { EventEmitter, once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { FAILING, NOTHING, printing, RESULT, sleeping } from "../../load/codes.ts";
import { startFakeJupyter } from "../../load/fake-jupyter.ts";
import { startJupyter } from "../../scripts/jupyter-server.ts";
import {
  preparePythonEnvironment,
  startEnvironment,
} from "../../scripts/python-environment.mjs";
import {
  encodeMessage,
  KERNEL_SUBPROTOCOL,
  parseFrame,
  readFrame,
} from "../../src/jupyter/framing.ts";
import { requestMessage, type Message } from "../../src/jupyter/messages.ts";

interface Server {
  readonly url: string;
  readonly token: string;
}

/** What of each message the Worker could notice: in this order, with these parts of it. */
type Seen = readonly string[];

async function request(
  { url, token }: Server,
  resource: string,
  method = "GET",
): Promise<{ status: number; fields: string[]; body: Record<string, unknown> }> {
  const headers = { Authorization: `token ${token}` };
  const body = method === "POST" ? "{}" : null;
  const response = await fetch(url + resource, { method, headers, body });
  const text = await response.text();
  const parsed = text === "" ? {} : (JSON.parse(text) as Record<string, unknown>);
  return {
    status: response.status,
    fields: Object.keys(parsed).toSorted(),
    body: parsed,
  };
}

/** A kernel's own client, which collects all that comes. */
async function connect({ url, token }: Server, kernel: string, session: string) {
  const address = `${url.replace("http", "ws")}/api/kernels/${kernel}/channels?session_id=${session}`;
  const socket = new WebSocket(address, {
    protocols: [KERNEL_SUBPROTOCOL],
    headers: { Authorization: `token ${token}` },
  });
  socket.binaryType = "arraybuffer";
  const messages: Message[] = [];
  const arrivals = new EventEmitter();
  socket.addEventListener("message", ({ data }) => {
    messages.push(parseFrame(readFrame(data as ArrayBuffer)));
    arrivals.emit("message");
  });
  await new Promise((resolve) => socket.addEventListener("open", resolve));
  return {
    send(msg_type: string, content: Record<string, unknown>): string {
      const msg_id = crypto.randomUUID();
      const date = new Date();
      const channel = "shell";
      socket.send(
        encodeMessage(
          requestMessage({ channel, msg_type, msg_id, session, date, content }),
        ),
      );
      return msg_id;
    },
    /** What answers a request, once its reply and its `idle` are there. */
    async answerTo(msgId: string): Promise<Message[]> {
      for (;;) {
        const answer = messages.filter((each) => each.parent_header?.msg_id === msgId);
        const isIdle = answer.some((each) => each.content["execution_state"] === "idle");
        if (isIdle && answer.some(({ channel }) => channel === "shell")) return answer;
        await once(arrivals, "message");
      }
    },
    /** The first message of a kind, without its parent. */
    async published(type: string): Promise<Seen> {
      for (;;) {
        const found = messages.filter(({ header }) => header.msg_type === type);
        if (found.length > 0) return seenOf(found);
        await once(arrivals, "message");
      }
    },
    async close(): Promise<void> {
      const closed = new Promise((resolve) => socket.addEventListener("close", resolve));
      socket.close(1000);
      await closed;
    },
  };
}

type Client = Awaited<ReturnType<typeof connect>>;

function executed(client: Client, code: string): Promise<Message[]> {
  const content = {
    code,
    silent: false,
    store_history: true,
    user_expressions: {},
    allow_stdin: true,
    stop_on_error: true,
  };
  return client.answerTo(client.send("execute_request", content));
}

/** Of the two channels each by itself: reply and idle may come in either order. */
function seenOf(messages: readonly Message[]): Seen {
  return messages
    .toSorted((a, b) => a.channel.localeCompare(b.channel))
    .map(({ channel, header, metadata, content }) => {
      const { msg_type } = header;
      const told = [
        "execution_state",
        "status",
        "name",
        "text",
        "ename",
        "execution_count",
      ]
        .filter((name) => name in content)
        .map((name) => `${name}=${String(content[name])}`);
      const isTimed = "started" in metadata ? ["started"] : [];
      return [channel, msg_type, ...told, ...isTimed].join(" ");
    });
}

/** The same conversation with a server, whichever it is. */
async function observe(server: Server) {
  const started = await request(server, "/api/kernels", "POST");
  const kernel = String(started.body["id"]);
  const session = crypto.randomUUID();
  const client = await connect(server, kernel, session);
  const connected = await request(server, `/api/kernels/${kernel}`);
  const runs: Seen[] = [];
  for (const code of [NOTHING, RESULT, FAILING, printing(2, 20, 3)])
    runs.push(seenOf(await executed(client, code)));
  const info = seenOf(await client.answerTo(client.send("kernel_info_request", {})));

  const sleeper = executed(client, sleeping(60));
  const behind = executed(client, NOTHING);
  await expect
    .poll(async () => (await request(server, `/api/kernels/${kernel}`)).body)
    .toMatchObject({ execution_state: "busy" });
  const interrupted = await request(server, `/api/kernels/${kernel}/interrupt`, "POST");
  const afterInterrupt = [seenOf(await sleeper), seenOf(await behind)];

  const printer = client.send("execute_request", {
    code: printing(5, 5, 3),
    silent: false,
    store_history: true,
    allow_stdin: true,
  });
  await client.close();
  await expect
    .poll(async () => (await request(server, `/api/kernels/${kernel}`)).body, {
      timeout: 10_000,
    })
    .toMatchObject({ execution_state: "idle", connections: 0 });
  const again = await connect(server, kernel, session);
  const replayed = await again.answerTo(printer);
  const specs = await request(server, "/api/kernelspecs");
  const ended = await request(server, `/api/kernels/${kernel}`, "DELETE");
  const gone = await request(server, `/api/kernels/${kernel}`);
  const shutdown = await again.published("shutdown_reply");
  // It is open until its client closes it.
  await again.close();
  return {
    started: [started.status, started.fields],
    connections: connected.body["connections"],
    runs,
    info,
    interrupted: interrupted.status,
    afterInterrupt,
    replayed: replayed.filter(({ header }) => header.msg_type === "stream").length > 0,
    replayEnds: seenOf(replayed).at(-1),
    specs: specs.fields,
    ended: ended.status,
    gone: [gone.status, gone.fields],
    shutdown,
  };
}

test("the fake Jupyter of the load run sends what a real one sends, in the same order", async () => {
  const { python } = await preparePythonEnvironment(startEnvironment);
  const folder = await mkdtemp(path.join(tmpdir(), "jupyter-edge-mcp-fake-"));
  const rootDir = path.join(folder, "notebooks");
  const runtimeDir = path.join(folder, "server");
  try {
    await using fake = await startFakeJupyter(python);
    await using real = await startJupyter({ python, rootDir, runtimeDir });
    expect(await observe(fake)).toEqual(await observe(real));
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
});
