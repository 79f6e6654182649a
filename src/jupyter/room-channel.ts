import { ExpectedError } from "../errors.ts";
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import type { RoomSession } from "./collaboration.ts";
import type { JupyterServer } from "./server.ts";

/** What a message is, by its first number. */
const SYNC = 0;
const AWARENESS = 1;
const TOLD = 2;

/** The room of all who have JupyterLab open, whatever they work on: who they are, and where. */
const EVERYBODY = "JupyterLab:globalAwareness";

/** Who listens to a {@link RoomChannel}. `closed` comes once and last. */
export interface RoomListener {
  /** A message of the Yjs sync protocol. */
  sync(message: Uint8Array): void;
  /** A message of the Yjs awareness protocol. */
  awareness(message: Uint8Array): void;
  /** What the server says beside that, as JSON. */
  told(message: unknown): void;
  /** Called where a message could not be taken; the socket is dropped then. */
  notTaken?(error: unknown): void;
  /** @param code why, as a WebSocket has it, and in words; 1006 where it just ended */
  closed(code: number, reason: string): void;
}

/**
 * The WebSocket of a room: messages of Yjs, each behind a number that says which
 * of its protocols it belongs to.
 *
 * @see https://github.com/yjs/y-protocols/blob/master/PROTOCOL.md
 */
export class RoomChannel {
  readonly #socket: WebSocket;
  #listener: RoomListener | null;

  private constructor(socket: WebSocket, listener: RoomListener) {
    this.#socket = socket;
    this.#listener = listener;
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", (event) => this.#receive(event.data));
    socket.addEventListener("close", (event) => this.#end(event.code, event.reason));
    // A message above the runtime's limit of 32 MiB is an error without a close.
    socket.addEventListener("error", () => this.drop());
    socket.accept();
  }

  /** Connects to a notebook's room. @throws {ExpectedError} where that cannot be reached */
  static open(
    server: JupyterServer,
    { fileId, sessionId }: RoomSession,
    listener: RoomListener,
  ): Promise<RoomChannel> {
    const room = `json:notebook:${encodeURIComponent(fileId)}`;
    const query = `?sessionId=${encodeURIComponent(sessionId)}`;
    return RoomChannel.#open(server, room + query, listener);
  }

  /** Connects to where people see who else is there. */
  static openEverybody(
    server: JupyterServer,
    listener: RoomListener,
  ): Promise<RoomChannel> {
    return RoomChannel.#open(server, EVERYBODY, listener);
  }

  static async #open(
    server: JupyterServer,
    room: string,
    listener: RoomListener,
  ): Promise<RoomChannel> {
    const path = `/api/collaboration/room/${room}`;
    const socket = await server.openWebSocket(path, null);
    if (socket === null) {
      const detail = "it has no rooms any more";
      throw new ExpectedError({ code: "not_jupyter", host: server.host, detail });
    }
    return new RoomChannel(socket, listener);
  }

  /** Sends a message of the Yjs sync protocol, which `write` writes. */
  sendSync(write: (encoder: encoding.Encoder) => void): void {
    this.#send(SYNC, write);
  }

  /** Sends an update of the Yjs awareness protocol. */
  sendAwareness(update: Uint8Array): void {
    this.#send(AWARENESS, (encoder) => encoding.writeVarUint8Array(encoder, update));
  }

  /** Asks the server to save the room's document into the file now. */
  requestSave(id: number): void {
    this.#send(TOLD, (encoder) => {
      encoding.writeVarString(encoder, "save");
      encoding.writeVarUint(encoder, id);
    });
  }

  /**
   * Sends a word that the server does nothing about. It carries the acknowledgement of
   * what has just arrived: until that comes, up to 40 ms later, Nagle's algorithm holds
   * back what the server says next.
   */
  acknowledge(): void {
    this.#send(TOLD, (encoder) => encoding.writeVarString(encoder, ""));
  }

  /** Leaves. Nothing that still arrives is passed on. */
  close(): void {
    this.#listener = null;
    this.#closeSocket();
  }

  /** Lets go of a socket whose other end is gone without a word, and says so. */
  drop(): void {
    this.#end(1006, "");
    this.#closeSocket();
  }

  #closeSocket(): void {
    try {
      this.#socket.close(1000);
    } catch {
      // It was closed already.
    }
  }

  #send(type: number, write: (encoder: encoding.Encoder) => void): void {
    const encoder = encoding.createEncoder();
    encoding.writeVarUint(encoder, type);
    write(encoder);
    try {
      this.#socket.send(encoding.toUint8Array(encoder));
    } catch {
      // Whoever waits for an answer is told that the socket has closed.
      this.drop();
    }
  }

  #receive(data: unknown): void {
    if (!(data instanceof ArrayBuffer) || this.#listener === null) return;
    try {
      this.#dispatch(new Uint8Array(data), this.#listener);
    } catch (error) {
      // A document of which a part was not understood is not to be worked with.
      this.#listener.notTaken?.(error);
      this.drop();
    }
  }

  #dispatch(message: Uint8Array, listener: RoomListener): void {
    const decoder = decoding.createDecoder(message);
    const type = decoding.readVarUint(decoder);
    if (type === SYNC) listener.sync(message.subarray(decoder.pos));
    else if (type === AWARENESS) listener.awareness(decoding.readVarUint8Array(decoder));
    else if (type === TOLD) listener.told(JSON.parse(decoding.readVarString(decoder)));
  }

  #end(code: number, reason: string): void {
    const listener = this.#listener;
    this.#listener = null;
    listener?.closed(code, reason);
  }
}
