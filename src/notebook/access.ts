/**
 * The way to a person's notebooks: where the server has rooms for them, the room,
 * and otherwise the file. Which of them it is, is nobody's business.
 */

import { ExpectedError, valueOf, type Outcome } from "../errors.ts";
import type { Owner } from "../identity.ts";
import { offersRooms, startOf } from "../jupyter/collaboration.ts";
import type { JupyterServer } from "../jupyter/server.ts";
import { asExpected, ContentsNotebook } from "./contents-notebook.ts";
import type { CellRun, Written } from "./document.ts";
import type { Edit } from "./edit.ts";
import type { EditBase } from "./edit-base.ts";
import { editNotebook, type EditResult } from "./editing.ts";
import { parseNotebook, type Notebook } from "./notebook.ts";
import { readOutline, type Outline } from "./outline.ts";
import { readNotebook, type ReadNotebook } from "./reading.ts";
import type { RoomContent } from "./room-notebook.ts";
import { exclusivelyOn, type Turns } from "./turns.ts";

/** Whether a server has rooms for notebooks, since it was started. */
export interface RoomOffer {
  readonly startedAt: string;
  readonly isOffered: boolean;
}

/** What a person's notebooks share: turns of saving, and what is known of the server. */
export interface NotebookKeeper extends Turns {
  roomOffer(): Promise<RoomOffer | null>;
  keepRoomOffer(offer: RoomOffer): Promise<unknown>;
}

/** Which notebook it is, and whose. */
export interface RoomPlace {
  readonly owner: Owner;
  readonly path: string;
}

/** What is in rooms for people. */
export interface RoomObject {
  content(place: RoomPlace, withEntry: boolean): Promise<Outcome<RoomContent | null>>;
  edit(
    place: RoomPlace,
    base: EditBase,
    edits: readonly Edit[],
  ): Promise<Outcome<EditResult | null>>;
  writeOutputs(
    place: RoomPlace,
    runs: ReadonlyMap<string, CellRun>,
    isLast: boolean,
  ): Promise<Outcome<Written | null>>;
}

/** Who is in a notebook's room. Null where the server cannot make a room of that file. */
export interface RoomKeeper {
  /** @param withEntry whether the file is wanted, too. Without it, a room in which we are is enough */
  content(withEntry: boolean): Promise<Outcome<RoomContent | null>>;
  edit(base: EditBase, edits: readonly Edit[]): Promise<Outcome<EditResult | null>>;
  writeOutputs(
    runs: ReadonlyMap<string, CellRun>,
    isLast: boolean,
  ): Promise<Outcome<Written | null>>;
}

/** An object that is in a room, for one place. */
export function roomKeeper(object: RoomObject, place: RoomPlace): RoomKeeper {
  return {
    content: (withEntry) => object.content(place, withEntry),
    edit: (base, edits) => object.edit(place, base, edits),
    writeOutputs: (runs, isLast) => object.writeOutputs(place, runs, isLast),
  };
}

/** What the server was asked this recently holds for outputs that follow. */
const ASKED_FOR_MS = 1_000;

/** See the head of this file. */
export class Notebooks {
  readonly #server: JupyterServer;
  /** What was found when a server was asked last that said which process it is, and when it was asked. */
  #asked: { readonly at: number; readonly isOffered: boolean } | null = null;
  /** What is kept, once it was read. */
  #offer: RoomOffer | null = null;
  /** The server's process, as its rooms name it, when one was looked into last. */
  #seen: string | null = null;
  /** The process that is known to have rooms: what is read in one of its rooms needs no other question. */
  #process: string | null = null;
  /** The file that was read last. */
  #lastFile: { readonly path: string; readonly file: ContentsNotebook } | null = null;
  readonly #keeper: NotebookKeeper;
  readonly #roomOf: (path: string) => Promise<RoomKeeper>;
  readonly #connectedSince: () => number | null;

  /**
   * @param connectedSince since when the connection to the server is open that was opened
   *   last, in milliseconds since 1970; null where none is. A server does not end without it
   */
  constructor(
    server: JupyterServer,
    keeper: NotebookKeeper,
    roomOf: (path: string) => Promise<RoomKeeper>,
    connectedSince: () => number | null = () => null,
  ) {
    this.#server = server;
    this.#keeper = keeper;
    this.#roomOf = roomOf;
    this.#connectedSince = connectedSince;
  }

  /** A notebook for reading. @throws {ExpectedError} where it cannot be read */
  async read(path: string): Promise<ReadNotebook> {
    const content = await this.#contentInRoom(path, true).catch((error: unknown) => {
      // Rooms are for what is small enough to be edited.
      const isLarge =
        error instanceof ExpectedError && error.failure.code === "file_too_large";
      if (!isLarge) throw error;
      return null;
    });
    const entry = content?.entry ?? null;
    if (content === null || entry === null) return readNotebook(this.#server, path);
    const { bytes } = content;
    const source = { at: [], chunks: () => Promise.resolve([bytes]) };
    const outline = await readOutline([bytes]).catch((error: unknown) => {
      throw asExpected(error, path);
    });
    return { outline, entry, upgradedFrom: null, source };
  }

  /** What is in a notebook's room; null where it has none. @throws {ExpectedError} where it cannot be read */
  async outlineInRoom(path: string): Promise<Outline | null> {
    const content = await this.#contentInRoom(path, false);
    return content === null ? null : readOutline([content.bytes]);
  }

  /** A notebook whole, and whether it is in a room. @throws {ExpectedError} where it cannot be read */
  async load(
    path: string,
  ): Promise<{ readonly notebook: Notebook; readonly isLive: boolean }> {
    const file = this.#file(path);
    // Reading changes nothing: where the server had no rooms, the file is read meanwhile.
    const guessed = this.#offer?.isOffered === false ? file.loadAtOnce() : null;
    guessed?.catch(() => undefined);
    const content = await this.#contentInRoom(path, false);
    if (content === null) {
      this.#lastFile = { path, file };
      return { notebook: await (guessed ?? file.loadAtOnce()), isLive: false };
    }
    try {
      return { notebook: parseNotebook(content.bytes), isLive: true };
    } catch (error) {
      throw asExpected(error, path);
    }
  }

  /** Makes a batch of edits. @throws {ExpectedError} where none was made, or nobody knows */
  async edit(base: EditBase, edits: readonly Edit[]): Promise<EditResult> {
    const { path } = base;
    const edited = await this.#inRoom(path, (room) =>
      room.edit(base, edits).catch((cause: unknown) => {
        // The object was interrupted, as by a deploy. Its edits may be in the room.
        const failure = { code: "save_unanswered", path, reason: "network" } as const;
        throw new ExpectedError(failure, { cause });
      }),
    );
    return edited ?? editNotebook(this.#file(path), base, edits);
  }

  /**
   * Puts what runs have made of cells into them.
   *
   * @param inFile see {@link ContentsNotebook.writeOutputs}
   * @throws {ExpectedError} where that is to be done again
   */
  async writeOutputs(
    path: string,
    runs: ReadonlyMap<string, CellRun>,
    isLast: boolean,
    inFile?: () => void,
  ): Promise<Written> {
    const asked = this.#asked;
    const isKnown = asked !== null && Date.now() - asked.at < ASKED_FOR_MS;
    const hasRooms = isKnown ? asked.isOffered : await this.#hasRooms();
    if (!hasRooms) {
      const last = this.#lastFile;
      const file = last?.path === path ? last.file : this.#file(path);
      return file.writeOutputs(runs, inFile);
    }
    const room = await this.#roomOf(path);
    const written = valueOf(await room.writeOutputs(runs, isLast));
    return written ?? this.#file(path).writeOutputs(runs, inFile);
  }

  #file(path: string): ContentsNotebook {
    return new ContentsNotebook(this.#server, path, exclusivelyOn(this.#keeper, path));
  }

  /** What comes of work in a notebook's room; null where it has none. */
  async #inRoom<T>(
    path: string,
    work: (room: RoomKeeper) => Promise<Outcome<T | null>>,
  ): Promise<T | null> {
    if (!(await this.#hasRooms())) return null;
    return valueOf(await work(await this.#roomOf(path)));
  }

  /**
   * What a notebook's room has; null where it has none. Reading changes nothing: where
   * the server had rooms when it was asked last, the room is asked meanwhile. Where the
   * room is one of the very process that was asked, it need not be asked again.
   */
  async #contentInRoom(path: string, withEntry: boolean): Promise<RoomContent | null> {
    const at = Date.now();
    const read = async () => (await this.#roomOf(path)).content(withEntry);
    const guessed = this.#offer?.isOffered === true ? read() : null;
    guessed?.catch(() => undefined);
    if (guessed !== null && this.#process !== null) {
      const content = await guessed;
      if ("ok" in content && content.ok?.process === this.#process) {
        this.#asked = { at, isOffered: true };
        return content.ok;
      }
    }
    const seen = this.#seen;
    if (!(await this.#hasRooms())) return null;
    const content = valueOf(await (guessed ?? read()));
    if (content !== null) {
      this.#seen = content.process;
      // It was there before the server was asked, so it is the one that answered.
      if (content.process === seen) this.#process = seen;
    }
    return content;
  }

  /** Asked once, and again when the server was started anew, or may have been. */
  async #hasRooms(): Promise<boolean> {
    const asked = this.#asked;
    const since = this.#connectedSince();
    if (asked !== null && since !== null && since <= asked.at) return asked.isOffered;
    const at = Date.now();
    const [known, startedAt] = await Promise.all([
      this.#offer ?? this.#keeper.roomOffer().catch(() => null),
      startOf(this.#server),
    ]);
    this.#offer = known;
    const isKnown =
      known !== null && (startedAt === null || known.startedAt === startedAt);
    const isOffered = isKnown ? known.isOffered : await offersRooms(this.#server);
    this.#asked = startedAt === null ? null : { at, isOffered };
    if (isKnown) return isOffered;
    this.#offer = startedAt === null ? null : { startedAt, isOffered };
    // Where it cannot be kept, it is asked again.
    if (startedAt !== null)
      await this.#keeper.keepRoomOffer({ startedAt, isOffered }).catch(() => undefined);
    return isOffered;
  }
}
