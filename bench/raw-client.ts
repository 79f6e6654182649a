import { z } from "zod";
import type { JupyterServer } from "../scripts/jupyter-server.ts";
import { encodeMessage, KERNEL_SUBPROTOCOL } from "../src/jupyter/framing.ts";
import { requestMessage } from "../src/jupyter/messages.ts";

/** A kernel's own client, with as little between the caller and the socket as can be. */
export interface RawClient extends Disposable {
  /** Runs code, and resolves when both the reply and `idle` are there. */
  run(code: string): Promise<void>;
  /** Runs code, and tells of its first line of output, too. */
  begin(code: string): { readonly output: Promise<void>; readonly ended: Promise<void> };
}

/** Of a frame's parts: channel, header, parent header, metadata, content. */
const HEADER = 1;
const PARENT_HEADER = 2;
const CONTENT = 4;
const OFFSET_BYTES = 8;

const kernelSchema = z.object({ id: z.string() });

/** Starts a Python kernel and answers with its id. */
export async function startKernel({ url, token }: JupyterServer): Promise<string> {
  const response = await fetch(`${url}/api/kernels`, {
    method: "POST",
    headers: { Authorization: `token ${token}` },
    body: JSON.stringify({ name: "python3" }),
  });
  if (!response.ok) throw new Error(`Jupyter started no kernel: HTTP ${response.status}`);
  return kernelSchema.parse(await response.json()).id;
}

/** Connects to a kernel the way a browser does. */
export async function connectRaw(
  jupyter: JupyterServer,
  kernelId: string,
): Promise<RawClient> {
  const session = crypto.randomUUID();
  const address = new URL(`${jupyter.url}/api/kernels/${kernelId}/channels`);
  address.searchParams.set("session_id", session);
  const socket = await openSocket(jupyter, address, [KERNEL_SUBPROTOCOL]);
  return new SocketClient(socket, session);
}

/** Opens a WebSocket of a Jupyter server. */
export async function openSocket(
  { token }: Pick<JupyterServer, "token">,
  address: URL,
  protocols: string[] = [],
): Promise<WebSocket> {
  address.protocol = "ws:";
  const headers = { Authorization: `token ${token}` };
  const socket = new WebSocket(address, { protocols, headers });
  socket.binaryType = "arraybuffer";
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener("open", () => resolve(), { once: true });
    const fail = () => reject(new Error(`No socket at ${address.pathname}.`));
    socket.addEventListener("error", fail, { once: true });
  });
  return socket;
}

class SocketClient implements RawClient {
  readonly #socket: WebSocket;
  readonly #session: string;
  #running: {
    readonly msgId: string;
    readonly print: () => void;
    readonly finish: () => void;
  } | null = null;
  #hasReply = false;
  #isIdle = false;

  constructor(socket: WebSocket, session: string) {
    this.#socket = socket;
    this.#session = session;
    socket.addEventListener("message", ({ data }) => {
      if (data instanceof ArrayBuffer) this.#receive(data);
    });
  }

  run(code: string): Promise<void> {
    return this.begin(code).ended;
  }

  begin(code: string): ReturnType<RawClient["begin"]> {
    const msgId = crypto.randomUUID();
    const { promise: output, resolve: print } = Promise.withResolvers<void>();
    const { promise: ended, resolve: finish } = Promise.withResolvers<void>();
    this.#running = { msgId, print, finish };
    this.#hasReply = false;
    this.#isIdle = false;
    const content = {
      code,
      silent: false,
      store_history: true,
      user_expressions: {},
      allow_stdin: false,
      stop_on_error: true,
    };
    this.#socket.send(
      encodeMessage(
        requestMessage({
          channel: "shell",
          msg_type: "execute_request",
          msg_id: msgId,
          session: this.#session,
          date: new Date(),
          content,
        }),
      ),
    );
    return { output, ended };
  }

  #receive(frame: ArrayBuffer): void {
    const running = this.#running;
    if (running === null || partOf(frame, PARENT_HEADER)["msg_id"] !== running.msgId)
      return;
    const type = partOf(frame, HEADER)["msg_type"];
    if (type === "stream") running.print();
    if (type === "execute_reply") this.#hasReply = true;
    if (type === "status" && partOf(frame, CONTENT)["execution_state"] === "idle") {
      this.#isIdle = true;
    }
    if (this.#hasReply && this.#isIdle) running.finish();
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}

function partOf(frame: ArrayBuffer, index: number): Record<string, unknown> {
  const view = new DataView(frame);
  const offset = (at: number) => Number(view.getBigUint64(OFFSET_BYTES * (at + 1), true));
  const [start, end] = [offset(index), offset(index + 1)];
  // All parts but the channel are JSON objects in this subprotocol.
  return JSON.parse(
    new TextDecoder().decode(new Uint8Array(frame, start, end - start)),
  ) as Record<string, unknown>;
}
