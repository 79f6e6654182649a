/**
 * Being in a notebook's room: it is entered when there is something to do, entered
 * anew when it was lost or another file stands at the path, and left a while after.
 */

import { ExpectedError } from "../errors.ts";
import { roomSession, type RoomSession } from "../jupyter/collaboration.ts";
import { readBytes, type ContentsEntry } from "../jupyter/contents.ts";
import type { JupyterServer } from "../jupyter/server.ts";
import { notebookEntry } from "./contents-notebook.ts";
import { MAX_EDIT_BYTES } from "./document.ts";
import { Presence } from "./presence.ts";
import { Room, RoomLostError } from "./room.ts";
import { isBeyondRooms } from "./room-limits.ts";

/** Before a room is entered again that was lost. A server that is started again takes a second or two. */
export const PAUSES_MS: readonly number[] = [100, 500, 2_000, 4_000];
/** What was seen of a room this recently need not be looked at again for outputs. */
const LOOKED_FOR_MS = 500;
/** A room that has not answered by then is looked into. */
const SILENT_MS = 2_000;

/** The server cannot make a room of a file: nobody is in one, and the file is the way to it. */
export class NoRoomError extends Error {
  constructor() {
    super("There is no room of this file.");
    this.name = "NoRoomError";
  }
}

/** The file's room by now, if it has one, and ours where it is that one. */
interface Seen {
  readonly session: RoomSession | null;
  readonly room: Room | null;
}

/** See the head of this file. */
export class RoomVisits {
  readonly #server: JupyterServer;
  readonly #path: string;
  readonly #lingerMs: number;
  readonly #notTaken: (error: unknown) => void;
  #room: Room | null = null;
  #lookedAt = 0;
  #presence: Presence | null = null;
  #turn: Promise<unknown> = Promise.resolve();
  #lingerTimer: ReturnType<typeof setTimeout> | null = null;
  /** A session whose server cannot make a room of this file. */
  #refusedBy: RoomSession | null = null;

  /** @param notTaken called where a message of a room could not be taken */
  constructor(
    server: JupyterServer,
    path: string,
    lingerMs: number,
    notTaken: (error: unknown) => void,
  ) {
    this.#notTaken = notTaken;
    this.#server = server;
    this.#path = path;
    this.#lingerMs = lingerMs;
  }

  /** The room that we are in. */
  get room(): Room | null {
    return this.#room;
  }

  /** Does one thing after the other. Behind the last one the room is left in a while. */
  inTurn<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#turn.then(() => {
      if (this.#lingerTimer !== null) clearTimeout(this.#lingerTimer);
      this.#lingerTimer = null;
      return work();
    });
    this.#turn = run.catch(() => undefined).then(() => this.#linger());
    return run;
  }

  #linger(): void {
    if (this.#lingerTimer !== null) clearTimeout(this.#lingerTimer);
    this.#lingerTimer = setTimeout(() => this.leave(), this.#lingerMs);
  }

  /**
   * The room that we are in, where it was looked at a moment ago, as when outputs
   * follow a run; otherwise as {@link current}. A connection that has broken since is
   * noticed by what is sent over it.
   */
  async enteredLately(): Promise<Room> {
    const there = this.#room;
    const isLately = Date.now() - this.#lookedAt < LOOKED_FOR_MS;
    return there?.isOpen === true && isLately ? there : this.current();
  }

  /**
   * As {@link entered}, for what needs to know nothing of the file: in a room in which
   * we are it is not asked for.
   */
  async current(): Promise<Room> {
    const seen = this.#room === null ? undefined : await this.#look();
    return seen?.room ?? (await this.entered(seen)).room;
  }

  /**
   * The room of the file that stands at the path now, entered where we are not in
   * it. Its document has all that the room has.
   *
   * @param seen what was found a moment ago
   * @throws {ExpectedError} where there is no such notebook, or no connection
   * @throws {NoRoomError}
   */
  async entered(seen?: Seen): Promise<{ room: Room; entry: ContentsEntry }> {
    for (let attempt = 0; ; attempt += 1) {
      const [entry, { session, room: there }] = await Promise.all([
        notebookEntry(this.#server, this.#path, MAX_EDIT_BYTES),
        (attempt === 0 ? seen : undefined) ?? this.#look(),
      ]);
      if (session === null || isSame(session, this.#refusedBy)) throw new NoRoomError();
      if (there !== null) return { room: there, entry };
      this.leave();
      try {
        const room = await this.#enter(session);
        this.#room = room;
        this.#lookedAt = Date.now();
        this.#presence = Presence.show(this.#server, this.#path);
        return { room, entry };
      } catch (error) {
        const isLost =
          error instanceof RoomLostError ||
          (error instanceof ExpectedError &&
            error.failure.code === "jupyter_unreachable");
        const pause = PAUSES_MS[attempt];
        if (!isLost) throw error;
        if (pause === undefined) throw this.#unreachable(error);
        await passing(pause);
      }
    }
  }

  /** Looks where the file is, and brings our document up to date. */
  async #look(): Promise<Seen> {
    const there = this.#room;
    const [session, isHere] = await Promise.all([
      roomSession(this.#server, this.#path),
      there?.isCurrent() ?? false,
    ]);
    const isOurs = there !== null && isHere && isSame(there.session, session);
    if (isOurs && this.#room === there) this.#lookedAt = Date.now();
    return { session, room: isOurs ? there : null };
  }

  async #enter(session: RoomSession): Promise<Room> {
    const path = this.#path;
    const entering = Room.enter(this.#server, path, session, this.#notTaken);
    try {
      if (await isOver(entering, SILENT_MS)) return await entering;
      if (!(await this.#isBeyondRooms())) return await entering;
    } catch (error) {
      if (!(error instanceof RoomLostError)) {
        abandon(entering);
        throw error;
      }
      if (error.isFileMissing)
        throw new ExpectedError({ code: "file_not_found", path }, { cause: error });
      if (!error.isRefusal && !(await this.#isBeyondRooms())) throw error;
    }
    abandon(entering);
    this.#refusedBy = session;
    throw new NoRoomError();
  }

  async #isBeyondRooms(): Promise<boolean> {
    const bytes = await readBytes(this.#server, this.#path, MAX_EDIT_BYTES);
    return bytes !== null && isBeyondRooms(bytes);
  }

  /** Leaves the room now. */
  leave(): void {
    if (this.#lingerTimer !== null) clearTimeout(this.#lingerTimer);
    this.#lingerTimer = null;
    this.#room?.leave();
    this.#room = null;
    this.#presence?.end();
    this.#presence = null;
  }

  #unreachable(cause: unknown): ExpectedError {
    const { host } = this.#server;
    return new ExpectedError(
      { code: "jupyter_unreachable", host, reason: "network" },
      { cause },
    );
  }
}

/** What comes of it all the same is not wanted any more. */
function abandon(entering: Promise<Room>): void {
  void entering.then(
    (room) => room.leave(),
    () => undefined,
  );
}

/** Whether two sessions are those of the same file and server process. */
export function isSame(a: RoomSession, b: RoomSession | null): boolean {
  return b !== null && a.fileId === b.fileId && a.sessionId === b.sessionId;
}

/** Whether work has come to an end, whichever it is, within so long. */
function isOver(work: Promise<unknown>, ms: number): Promise<boolean> {
  const ended = work.then(
    () => true,
    () => true,
  );
  return Promise.race([ended, passing(ms).then(() => false)]);
}

/** Lets so much time pass. */
export function passing(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
