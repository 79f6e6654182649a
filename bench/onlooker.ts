import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import { readSyncMessage, writeSyncStep1 } from "y-protocols/sync";
import * as Y from "yjs";
import { z } from "zod";
import type { JupyterServer } from "../scripts/jupyter-server.ts";
import { openSocket } from "./raw-client.ts";

const SYNC = 0;
/** Outputs go away before others come. */
const NONE = "[]";

const sessionSchema = z.object({ fileId: z.string(), sessionId: z.string() });

/** Somebody who has a notebook open in its room, as a page of JupyterLab does, and changes nothing. */
export class Onlooker implements Disposable {
  readonly #socket: WebSocket;
  readonly #doc = new Y.Doc();

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      if (data instanceof ArrayBuffer) this.#receive(new Uint8Array(data));
    });
  }

  /** Opens a notebook, and waits until it is there. */
  static async open(
    jupyter: Pick<JupyterServer, "url" | "token">,
    path: string,
  ): Promise<Onlooker> {
    const { url, token } = jupyter;
    const answer = await fetch(`${url}/api/collaboration/session/${path}`, {
      method: "PUT",
      headers: { Authorization: `token ${token}` },
      body: JSON.stringify({ format: "json", type: "notebook" }),
    });
    const { fileId, sessionId } = sessionSchema.parse(await answer.json());
    const address = new URL(
      `${url}/api/collaboration/room/json:notebook:${fileId}?sessionId=${sessionId}`,
    );
    const onlooker = new Onlooker(await openSocket(jupyter, address));
    onlooker.#send((encoder) => writeSyncStep1(encoder, onlooker.#doc));
    await onlooker.#until(() => onlooker.#cells.length > 0);
    return onlooker;
  }

  /** Waits until something is done and the first cell has outputs, others than before. */
  async seeing(work: () => Promise<unknown>): Promise<void> {
    const before = this.#outputs();
    const areOthers = () => ![before, NONE].includes(this.#outputs());
    await Promise.all([work(), this.#until(areOthers)]);
  }

  [Symbol.dispose](): void {
    this.#socket.close(1000);
    this.#doc.destroy();
  }

  get #cells(): Y.Array<Y.Map<unknown>> {
    return this.#doc.getArray("cells");
  }

  #outputs(): string {
    const outputs = this.#cells.get(0)?.get("outputs");
    return outputs instanceof Y.Array ? JSON.stringify(outputs.toJSON()) : NONE;
  }

  #until(isSo: () => boolean): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = () => {
      if (!isSo()) return;
      this.#doc.off("update", look);
      resolve();
    };
    this.#doc.on("update", look);
    look();
    return promise;
  }

  #receive(message: Uint8Array): void {
    const decoder = decoding.createDecoder(message);
    if (decoding.readVarUint(decoder) !== SYNC) return;
    const answer = encoding.createEncoder();
    encoding.writeVarUint(answer, SYNC);
    readSyncMessage(decoder, answer, this.#doc, this);
    if (encoding.length(answer) > 1) this.#socket.send(encoding.toUint8Array(answer));
  }

  #send(write: (encoder: encoding.Encoder) => void): void {
    const encoder = encoding.createEncoder();
    encoding.writeVarUint(encoder, SYNC);
    write(encoder);
    this.#socket.send(encoding.toUint8Array(encoder));
  }
}
