/**
 * Somebody else in a notebook's room, with the very model of the document that
 * JupyterLab has, over a connection of their own to the Jupyter server.
 */

import { YNotebook } from "@jupyter/ydoc";
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import { inject } from "vitest";
import { applyAwarenessUpdate, encodeAwarenessUpdate } from "y-protocols/awareness";
import {
  messageYjsSyncStep2,
  readSyncMessage,
  writeSyncStep1,
  writeUpdate,
} from "y-protocols/sync";
import * as Y from "yjs";
import { eventually } from "../support/eventually.ts";
import { jupyter } from "../integration/support.ts";

const SYNC = 0;
const AWARENESS = 1;

/** See the head of this file. */
export class Person implements AsyncDisposable {
  readonly notebook = new YNotebook();
  readonly #socket: WebSocket;
  readonly #synced = Promise.withResolvers<void>();

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    const { ydoc: doc, awareness } = this.notebook;
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", ({ data }) => {
      if (data instanceof ArrayBuffer) this.#receive(new Uint8Array(data));
    });
    doc.on("update", (update: Uint8Array, origin: unknown) => {
      if (origin !== this) this.#send(SYNC, (encoder) => writeUpdate(encoder, update));
    });
    socket.accept();
    awareness.setLocalState({ user: { name: "Ada", username: "ada" } });
    const update = encodeAwarenessUpdate(awareness, [doc.clientID]);
    this.#send(AWARENESS, (encoder) => encoding.writeVarUint8Array(encoder, update));
    this.#send(SYNC, (encoder) => writeSyncStep1(encoder, doc));
  }

  /** Opens a notebook. */
  static async opens(path: string): Promise<Person> {
    const { fileId, sessionId } = await roomOf(path);
    const room = `json:notebook:${fileId}?sessionId=${sessionId}`;
    const person = new Person(await socketTo(room));
    await person.#synced.promise;
    return person;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close(1000);
    this.notebook.dispose();
  }

  get sources(): string[] {
    return this.notebook.cells.map(({ source }) => source);
  }

  /** The text of a cell's outputs, as they would be shown. */
  printed(cell: number): string {
    return JSON.stringify(this.notebook.cells[cell]?.toJSON().outputs ?? []);
  }

  /** Who else is there. */
  get others(): string[] {
    const { awareness, ydoc } = this.notebook;
    return [...awareness.getStates()].flatMap(([client, { user }]) =>
      client === ydoc.clientID || user === undefined ? [] : [String(user["name"])],
    );
  }

  /** Types into a cell, one key after the other, at its end or at `at`. */
  types(cell: number, text: string, at?: number): void {
    const there = this.notebook.cells[cell];
    if (there === undefined) throw new Error(`There is no cell ${cell}.`);
    let place = at ?? there.source.length;
    for (const key of text) {
      there.updateSource(place, place, key);
      place += key.length;
    }
  }

  /** Waits until the sources of the cells are these. */
  async sees(sources: readonly string[]): Promise<void> {
    await eventually(
      () => this.sources,
      (seen) => JSON.stringify(seen) === JSON.stringify(sources),
    );
  }

  /** Waits until the server has all that was typed. */
  async hasSent(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#answered.push(resolve);
    this.#send(SYNC, (encoder) => writeSyncStep1(encoder, this.notebook.ydoc));
    await promise;
  }

  /** Something with which everything that others do from now on can be undone, step by step. */
  undoing(): Y.UndoManager {
    const { ydoc } = this.notebook;
    const scope = [ydoc.getArray("cells"), ydoc.getMap("meta")];
    return new Y.UndoManager(scope, {
      trackedOrigins: new Set([this]),
      captureTimeout: 0,
    });
  }

  readonly #answered: (() => void)[] = [];

  #send(type: number, write: (encoder: encoding.Encoder) => void): void {
    const encoder = encoding.createEncoder();
    encoding.writeVarUint(encoder, type);
    write(encoder);
    this.#socket.send(encoding.toUint8Array(encoder));
  }

  #receive(message: Uint8Array): void {
    const decoder = decoding.createDecoder(message);
    const type = decoding.readVarUint(decoder);
    const { awareness, ydoc } = this.notebook;
    if (type === AWARENESS)
      applyAwarenessUpdate(awareness, decoding.readVarUint8Array(decoder), this);
    if (type !== SYNC) return;
    const encoder = encoding.createEncoder();
    encoding.writeVarUint(encoder, SYNC);
    const kind = readSyncMessage(decoder, encoder, ydoc, this);
    if (encoding.length(encoder) > 1) this.#socket.send(encoding.toUint8Array(encoder));
    if (kind !== messageYjsSyncStep2) return;
    this.#synced.resolve();
    this.#answered.shift()?.();
  }
}

/** Where a notebook's room is. */
export async function roomOf(
  path: string,
): Promise<{ readonly fileId: string; readonly sessionId: string }> {
  const body = JSON.stringify({ format: "json", type: "notebook" });
  const url = `/api/collaboration/session/${encodeURIComponent(path)}`;
  const answer = await jupyter(url, { method: "PUT", body });
  if (!answer.ok) throw new Error(`${answer.status}: ${await answer.text()}`);
  return answer.json();
}

/** A socket to a room, past the gateway. */
export async function socketTo(room: string): Promise<WebSocket> {
  const { port, token } = inject("jupyter");
  const answer = await fetch(`http://127.0.0.1:${port}/api/collaboration/room/${room}`, {
    headers: { upgrade: "websocket", authorization: `token ${token}` },
  });
  if (answer.webSocket === null) throw new Error(`${answer.status}`);
  return answer.webSocket;
}
