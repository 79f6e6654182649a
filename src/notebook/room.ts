/**
 * One stay in a notebook's room: a document of its own that is filled from the
 * server, and never used again after the connection has ended. An old document
 * would be merged with what the room is by then, and a room that was made anew
 * from the file has nothing in common with it: each cell would be there twice.
 */

import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import {
  Awareness,
  applyAwarenessUpdate,
  encodeAwarenessUpdate,
} from "y-protocols/awareness";
import {
  messageYjsSyncStep2,
  readSyncMessage,
  writeSyncStep1,
  writeUpdate,
} from "y-protocols/sync";
import * as Y from "yjs";
import { z } from "zod";
import { ExpectedError } from "../errors.ts";
import type { RoomSession } from "../jupyter/collaboration.ts";
import { RoomChannel, type RoomListener } from "../jupyter/room-channel.ts";
import type { JupyterServer } from "../jupyter/server.ts";
import { stateOf } from "./room-json.ts";

/** A server that has not sent a document by then is not going to: 20 MB take a second or two. */
const OPEN_TIMEOUT_MS = 15_000;
/** What is on its way is answered as soon as the server has taken it in. */
const ANSWER_TIMEOUT_MS = 15_000;
/** A connection that does not answer is better made anew. */
const CURRENT_TIMEOUT_MS = 5_000;
const SAVE_TIMEOUT_MS = 20_000;
/** What the server says of the file comes right after its word that it has saved. */
const SAVED_WORD_TIMEOUT_MS = 1_000;
/** While the server takes the file over the document it does not save. */
const SAVE_AGAIN_MS = 100;

/** How others see who is in a room. */
export const ASSISTANT = {
  username: "assistant",
  name: "Assistant",
  display_name: "Assistant",
  initials: "AI",
  color: "var(--jp-collaborator-color4)",
} as const;

/** The connection to a room has ended. */
export class RoomLostError extends Error {
  readonly #code: number;
  readonly #reason: string;

  /** @param code as a WebSocket has it, and what it says beside that */
  constructor(code: number, reason: string) {
    super(`The room was lost (${code}).`);
    this.name = "RoomLostError";
    this.#code = code;
    this.#reason = reason;
  }

  /** Whether the server says that there is no such file. */
  get isFileMissing(): boolean {
    return this.#code === 4404;
  }

  /** Whether the server cannot make a room of the file, and could not a moment later. */
  get isRefusal(): boolean {
    const cannotBegin = this.#reason.includes("initialization_error");
    return this.#code === 4400 || this.#code === 4500 || cannotBegin;
  }
}

/**
 * What came of saving: it is in the file; the server has taken the file over the
 * document, because somebody had changed that; or the server cannot write it.
 */
export type SavedRoom = "saved" | "overwritten" | "not saved";

const toldSchema = z.object({
  type: z.string(),
  responseTo: z.number().optional(),
  status: z.string().optional(),
});

/** See the head of this file. */
export class Room implements RoomListener {
  readonly session: RoomSession;
  readonly doc = new Y.Doc();
  readonly #awareness = new Awareness(this.doc);
  #channel: RoomChannel | null = null;
  #end: RoomLostError | null = null;
  /** Those who wait for the server's answer to a state vector of ours, in its order. */
  readonly #answers: (() => void)[] = [];
  readonly #onEnd = new Set<() => void>();
  /** Those who wait for the server's word of a save. */
  readonly #told = new Set<(message: z.infer<typeof toldSchema>) => void>();
  /** What arrives while somebody looks at the document as it is. */
  #held: Uint8Array[] | null = null;
  #saves = 0;
  /** What has come of the document so far, in bytes. */
  received = 0;

  /** Called where a message could not be taken. */
  readonly notTaken: (error: unknown) => void;

  private constructor(session: RoomSession, notTaken: (error: unknown) => void) {
    this.session = session;
    this.notTaken = notTaken;
    this.#awareness.setLocalState({ user: ASSISTANT });
    this.#awareness.on("update", (_change: unknown, origin: unknown) => {
      if (origin === "local") this.#sendAwareness();
    });
    this.#awareness.on("change", (change: { added: number[] }, origin: unknown) =>
      this.#greet(change, origin),
    );
    this.doc.on("update", (update: Uint8Array, origin: unknown) => {
      if (origin === this) return;
      this.#channel?.sendSync((encoder) => writeUpdate(encoder, update));
    });
  }

  /**
   * Enters a room, and waits until its document is here.
   *
   * @throws {RoomLostError} where the server closes it: it cannot make a room of that file
   * @throws {ExpectedError} `room_not_answering` where nothing comes
   */
  static async enter(
    server: JupyterServer,
    path: string,
    session: RoomSession,
    notTaken: (error: unknown) => void,
  ): Promise<Room> {
    const room = new Room(session, notTaken);
    try {
      room.#channel = await RoomChannel.open(server, session, room);
      room.#sendAwareness();
      await room.#answered(OPEN_TIMEOUT_MS, path);
      return room;
    } catch (error) {
      room.leave();
      throw error;
    }
  }

  /** Whether the connection has not ended, as far as anybody has said. */
  get isOpen(): boolean {
    return this.#end === null;
  }

  /** Whether the connection stands; then the document has all that the room has. */
  async isCurrent(): Promise<boolean> {
    try {
      await this.#answered(CURRENT_TIMEOUT_MS, "");
      return true;
    } catch {
      return false;
    }
  }

  /** The state vector: what of whom is in the document. */
  get state(): ReadonlyMap<number, number> {
    return Y.decodeStateVector(Y.encodeStateVector(this.doc));
  }

  /** Changes the document, in one step for everybody. What comes back is the change itself. */
  change(work: () => void): Uint8Array[] {
    const updates: Uint8Array[] = [];
    const note = (update: Uint8Array) => updates.push(update);
    this.doc.on("update", note);
    try {
      this.doc.transact(() => {
        work();
        // As JupyterLab does: the mark of a notebook with something unsaved.
        if (stateOf(this.doc).get("dirty") !== true) stateOf(this.doc).set("dirty", true);
      });
    } finally {
      this.doc.off("update", note);
    }
    return updates;
  }

  /** Takes in changes of ours that an earlier stay had made, and passes them on. */
  repeat(updates: readonly Uint8Array[]): void {
    for (const update of updates) Y.applyUpdate(this.doc, update);
  }

  /** Keeps what others do out of the document as long as `work` takes. */
  async holding<T>(work: () => Promise<T>): Promise<T> {
    this.#held = [];
    try {
      return await work();
    } finally {
      const held = this.#held;
      this.#held = null;
      for (const message of held) this.sync(message);
    }
  }

  /** Waits until the server has taken in all that was changed. @throws {RoomLostError} */
  async delivered(path: string): Promise<void> {
    await this.#answered(ANSWER_TIMEOUT_MS, path);
  }

  /** Has the server write the document into the file, and waits for that. @throws {RoomLostError} */
  async saved(): Promise<SavedRoom> {
    this.#throwIfLost();
    const id = (this.#saves += 1);
    const state = stateOf(this.doc);
    const hadHash = state.has("hash");
    const { promise, resolve: settle } = Promise.withResolvers<SavedRoom>();
    const resolve = (outcome: SavedRoom) => {
      this.#told.delete(listen);
      settle(outcome);
    };
    let timer = setTimeout(() => resolve("not saved"), SAVE_TIMEOUT_MS);
    // A save that was under way before ours has its hash, too: the answer tells ours.
    let [isAnswered, hasHash, isClean] = [false, false, false];
    const clean = () => (hadHash || isAnswered ? "overwritten" : "saved");
    const look = (event: Y.YMapEvent<unknown>, { origin }: Y.Transaction) => {
      if (origin !== this) return;
      hasHash ||= event.keysChanged.has("hash") && state.has("hash");
      if (hasHash && isAnswered) resolve("saved");
      // Earlier servers do not answer, and the first of them keep no hash.
      else if (hasHash) timer = soon(timer, () => resolve("saved"));
      // The mark comes before the hash. Where a server has just taken the file over
      // the document, there is no hash; one that answers keeps it otherwise.
      else if (event.keysChanged.has("hash") || state.get("dirty") === false) {
        isClean = true;
        timer = soon(timer, () => resolve(clean()));
      }
    };
    const listen = ({ type, responseTo, status }: z.infer<typeof toldSchema>) => {
      if (type !== "save" || responseTo !== id) return;
      if (status === "skipped") {
        setTimeout(() => this.#channel?.requestSave(id), SAVE_AGAIN_MS);
        return;
      }
      isAnswered = true;
      if (hasHash) resolve("saved");
      else timer = soon(timer, () => resolve(isClean ? clean() : "not saved"));
    };
    state.observe(look);
    this.#told.add(listen);
    this.#channel?.requestSave(id);
    try {
      return await this.#unlessLost(promise);
    } finally {
      clearTimeout(timer);
      this.#told.delete(listen);
      state.unobserve(look);
    }
  }

  /** Leaves the room, so that others see it at once. */
  leave(): void {
    this.#awareness.setLocalState(null);
    this.#channel?.close();
    this.closed(1000, "");
  }

  sync(message: Uint8Array): void {
    if (this.#held !== null) {
      this.#held.push(message);
      return;
    }
    this.received += message.byteLength;
    const decoder = decoding.createDecoder(message);
    const encoder = encoding.createEncoder();
    const type = readSyncMessage(decoder, encoder, this.doc, this, (error) => {
      throw error;
    });
    if (encoding.hasContent(encoder))
      this.#channel?.sendSync((into) =>
        encoding.writeUint8Array(into, encoding.toUint8Array(encoder)),
      );
    if (type === messageYjsSyncStep2) this.#answers.shift()?.();
    this.#expectMore();
  }

  awareness(message: Uint8Array): void {
    applyAwarenessUpdate(this.#awareness, message, this);
    this.#expectMore();
  }

  /** The server tells nobody who is there already. */
  #greet({ added }: { readonly added: readonly number[] }, origin: unknown): void {
    if (origin === this && added.length > 0) this.#sendAwareness();
  }

  told(message: unknown): void {
    const told = toldSchema.safeParse(message);
    if (!told.success) return;
    // What we sent does not fit the room: it was made anew from a changed file.
    if (told.data.type === "conflict") this.#channel?.drop();
    else for (const listen of this.#told) listen(told.data);
    this.#expectMore();
  }

  closed(code: number, reason: string): void {
    if (this.#end !== null) return;
    this.#end = new RoomLostError(code, reason);
    this.#channel = null;
    this.#awareness.destroy();
    this.doc.destroy();
    for (const end of this.#onEnd) end();
  }

  #expectMore(): void {
    if (this.#answers.length + this.#told.size > 0) this.#channel?.acknowledge();
  }

  /** Asks for what is missing here. The server answers when it has taken in all that was sent before. */
  async #answered(timeoutMs: number, path: string): Promise<void> {
    this.#throwIfLost();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#answers.push(resolve);
    this.#channel?.sendSync((encoder) => writeSyncStep1(encoder, this.doc));
    const timer = setTimeout(() => {
      const seconds = timeoutMs / 1_000;
      reject(new ExpectedError({ code: "room_not_answering", path, seconds }));
    }, timeoutMs);
    try {
      await this.#unlessLost(promise);
    } finally {
      clearTimeout(timer);
    }
  }

  async #unlessLost<T>(work: Promise<T>): Promise<T> {
    const { promise: lost, reject } = Promise.withResolvers<never>();
    const end = () => reject(this.#end);
    this.#onEnd.add(end);
    try {
      this.#throwIfLost();
      return await Promise.race([work, lost]);
    } finally {
      this.#onEnd.delete(end);
    }
  }

  #throwIfLost(): void {
    if (this.#end !== null) throw this.#end;
  }

  #sendAwareness(): void {
    const update = encodeAwarenessUpdate(this.#awareness, [this.doc.clientID]);
    this.#channel?.sendAwareness(update);
  }
}

function soon(
  timer: ReturnType<typeof setTimeout>,
  work: () => void,
): ReturnType<typeof setTimeout> {
  clearTimeout(timer);
  return setTimeout(work, SAVED_WORD_TIMEOUT_MS);
}
