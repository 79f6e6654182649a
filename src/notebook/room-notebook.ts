/**
 * A notebook in its collaboration room. What is changed is there at once for
 * everybody who has it open, and in the file when the change is told as done.
 */

import type * as Y from "yjs";
import { ExpectedError } from "../errors.ts";
import type { RoomSession } from "../jupyter/collaboration.ts";
import type { ContentsEntry } from "../jupyter/contents.ts";
import type { NbOutput } from "../jupyter/nbformat.ts";
import type { JupyterServer } from "../jupyter/server.ts";
import {
  asExpected,
  bytesWhenSaved,
  notebookEntry,
  throwIfBeyond,
  throwIfTooLarge,
  unchanged,
  upgradeWords,
  withRuns,
} from "./contents-notebook.ts";
import {
  MAX_EDIT_BYTES,
  type CellRun,
  type NotebookChange,
  type NotebookDocument,
  type Saved,
  type Written,
} from "./document.ts";
import { jsonValue, parseNotebook, upgraded, type Notebook } from "./notebook.ts";
import { Room, RoomLostError, type SavedRoom } from "./room.ts";
import {
  applyNotebook,
  applyRuns,
  applyStates,
  hasRuns,
  shownCount,
} from "./room-cells.ts";
import { metaOf, notebookJson } from "./room-json.ts";
import { isSame, NoRoomError, passing, PAUSES_MS, RoomVisits } from "./room-visits.ts";
import { marksOf, versionOf } from "./version.ts";

/** While outputs come in, they are in the file as soon as they would be without a room. */
const SAVE_EVERY_MS = 2_000;
/** So often outputs are put in again that somebody has saved another file over. */
const MAX_ATTEMPTS = 3;

/** What a room's document is made of, in the form that a file has. */
export interface RoomContent {
  readonly bytes: Uint8Array;
  /** Null where it was not wanted. */
  readonly entry: ContentsEntry | null;
  /** The server's process, as its rooms name it. */
  readonly process: string;
}

/** How large a notebook is, at most, without looking at all of it again. */
interface Measured {
  readonly room: Room;
  bytes: number;
  readonly received: number;
}

/** What was changed and is not known to have arrived. */
interface Change {
  readonly updates: readonly Uint8Array[];
  readonly session: RoomSession;
  /** What the document had of whom before the change. */
  readonly base: ReadonlyMap<number, number>;
  /** Who changed it, and what it has of them since. */
  readonly client: number;
  readonly end: number;
  /**
   * Does it again in a room that was made anew; null where it is there already.
   *
   * @throws {ExpectedError} where nobody can tell
   */
  again(room: Room): Promise<Change | null>;
}

/** What came of putting outputs into a document. */
interface MadeRuns {
  readonly change: Change | null;
  readonly missing: readonly string[];
  readonly upgraded: string | null;
  /** What the cells have since: of outputs that are too large, a word instead of them. */
  readonly shown: ReadonlyMap<string, CellRun>;
}

/** See the head of this file. */
export class RoomNotebook implements NotebookDocument {
  readonly #server: JupyterServer;
  readonly #path: string;
  readonly #visits: RoomVisits;
  readonly #onSaved: () => void;
  #savedAt = 0;
  /** What the notebook had as JSON when it was looked at, and what was put in since. */
  #measured: Measured | null = null;

  /** @param onSaved called whenever something of ours is in the file */
  constructor(
    server: JupyterServer,
    path: string,
    lingerMs: number,
    onSaved: () => void,
    notTaken: (error: unknown) => void,
  ) {
    this.#server = server;
    this.#path = path;
    this.#visits = new RoomVisits(server, path, lingerMs, notTaken);
    this.#onSaved = onSaved;
  }

  /**
   * The notebook as JSON, and its file where that is wanted.
   *
   * @throws {ExpectedError} where it cannot be read
   * @throws {NoRoomError}
   */
  content(withEntry: boolean): Promise<RoomContent> {
    return this.#visits.inTurn(async () => {
      const { room, entry } = withEntry
        ? await this.#visits.entered()
        : { room: await this.#visits.current(), entry: null };
      const bytes = this.#fitting(room);
      return { bytes, entry, process: room.session.sessionId };
    });
  }

  edit(change: NotebookChange): Promise<Saved> {
    return this.#visits.inTurn(async () => {
      const { room, entry } = await this.#visits.entered();
      const made = await this.#edited(room, entry, change);
      const { before, after } = made;
      if (made.change === null) return unchanged(before);
      const saved = await this.#settled(room, made.change, true);
      return {
        before,
        after,
        upgraded: upgradeWords({ notebook: before, upgradedFrom: null }, after),
        warning: "",
        foundAfter: saved === "overwritten" ? "others" : "ours",
        isInFile: saved !== "not saved",
      };
    });
  }

  writeOutputs(runs: ReadonlyMap<string, CellRun>, isLast: boolean): Promise<Written> {
    return this.#visits.inTurn(async () => {
      const path = this.#path;
      let words: string | null = null;
      for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
        const room =
          attempt === 1
            ? await this.#visits.enteredLately()
            : await this.#visits.current();
        const { change, missing, upgraded: now, shown } = this.#withRuns(room, runs);
        words ??= now;
        const isInFile = isLast || Date.now() - this.#savedAt >= SAVE_EVERY_MS;
        const saved = await this.#settled(room, change, isInFile);
        if (saved === "not saved")
          throw new ExpectedError({ code: "write_refused", path, detail: "" });
        // A file that was taken over the document just before it was saved has none of it.
        const isThere =
          saved !== "overwritten" && hasRuns((this.#visits.room ?? room).doc, shown);
        if (saved === null || isThere)
          return { missing, upgraded: words, isLive: true, isInFile };
      }
      throw new ExpectedError({ code: "saved_meanwhile", path });
    });
  }

  #parsed(bytes: Uint8Array): Notebook {
    try {
      return parseNotebook(bytes);
    } catch (error) {
      throw asExpected(error, this.#path);
    }
  }

  #json(room: Room): Uint8Array {
    const bytes = notebookJson(room.doc);
    this.#measured = { room, bytes: bytes.byteLength, received: room.received };
    return bytes;
  }

  /** The same, unless the room has grown beyond what is run since it was entered. @throws {ExpectedError} */
  #fitting(room: Room): Uint8Array {
    const bytes = this.#json(room);
    throwIfBeyond(MAX_EDIT_BYTES, this.#path, bytesWhenSaved(bytes));
    return bytes;
  }

  /** Makes a change of the notebook as it is now. Meanwhile nobody else's comes in. */
  #edited(
    room: Room,
    entry: ContentsEntry,
    change: NotebookChange,
  ): Promise<{ before: Notebook; after: Notebook; change: Change | null }> {
    return room.holding(async () => {
      const before = this.#parsed(this.#json(room));
      const { notebook: after, moved } = await change(before);
      if (after === before) return { before, after, change: null };
      throwIfTooLarge(this.#path, { notebook: before, entry }, after);
      const again = async (other: Room) => {
        const version = versionOf(marksOf(this.#parsed(this.#json(other)).cells));
        if (version === versionOf(marksOf(after.cells))) return null;
        if (version !== versionOf(marksOf(before.cells))) throw this.#unanswered();
        return (await this.#edited(other, entry, change)).change;
      };
      const made = this.#changed(
        room,
        (transact) => transact(() => applyNotebook(room.doc, before, after, moved)),
        again,
      );
      return { before, after, change: made };
    });
  }

  #withRuns(room: Room, runs: ReadonlyMap<string, CellRun>): MadeRuns {
    const again = async (other: Room) => this.#withRuns(other, runs).change;
    const size = [...runs.values()].reduce((sum, run) => sum + sizeOf(run), 0);
    const measured = this.#measured;
    // What others have put in since comes on top; in the file it has spaces and lines beside that.
    const isSmall =
      measured?.room === room &&
      measured.bytes + room.received - measured.received + size <= MAX_EDIT_BYTES / 2;
    if (isSmall && hasOwnIds(room.doc)) {
      measured.bytes += size;
      let missing: readonly string[] = [];
      const change = this.#changed(
        room,
        (transact) => {
          missing = applyRuns(room.doc, runs, transact);
        },
        again,
      );
      return { change, missing, upgraded: null, shown: runs };
    }
    const before = this.#parsed(this.#fitting(room));
    const whole = upgraded(before);
    const code = new Set(
      whole.cells.filter(({ type }) => type === "code").map(({ id }) => id),
    );
    const missing = [...runs.keys()].filter((id) => !code.has(id));
    if (missing.length === runs.size)
      return { change: null, missing, upgraded: null, shown: new Map() };
    const counted = [...runs].map(
      ([id, run]) => [id, { ...run, executionCount: shownCount(run) }] as const,
    );
    const after = withRuns(whole, new Map(counted));
    const change = this.#changed(
      room,
      (transact) =>
        transact(() => {
          applyNotebook(room.doc, before, after, new Set());
          applyStates(room.doc, runs);
        }),
      again,
    );
    const words = upgradeWords({ notebook: before, upgradedFrom: null }, after);
    return { change, missing, upgraded: words, shown: keptOf(after, runs) };
  }

  /** Changes the document, and notes what is needed to find out whether that arrived. */
  #changed(
    room: Room,
    work: (transact: (change: () => void) => void) => void,
    again: Change["again"],
  ): Change | null {
    const base = room.state;
    const updates: Uint8Array[] = [];
    work((change) => updates.push(...room.change(change)));
    if (updates.length === 0) return null;
    const client = room.doc.clientID;
    const end = room.state.get(client) ?? 0;
    return { updates, session: room.session, base, client, end, again };
  }

  /**
   * Waits until a change is in the room and, where that is wanted, in the file.
   * Where the connection is lost, the room is entered again: one that is the same
   * takes the same change at most once, whatever of it had arrived; in one that
   * was made anew from the file the change is there, or is made again.
   */
  async #settled(
    room: Room,
    change: Change | null,
    isSaved: boolean,
  ): Promise<SavedRoom | null> {
    let at: Room | null = room;
    let open = change;
    for (let attempt = 0; ; attempt += 1) {
      try {
        if (at === null) {
          at = await this.#visits.current();
          if (open !== null) open = await madeIn(at, open);
        }
        if (open !== null) await at.delivered(this.#path);
        return isSaved ? await this.#saved(at) : null;
      } catch (error) {
        if (!isAway(error)) throw error;
        this.#visits.leave();
        at = null;
        const pause = PAUSES_MS[attempt];
        // What does not answer is there, and would not answer again.
        if (error instanceof ExpectedError && error.failure.code === "room_not_answering")
          throw this.#unanswered(error);
        if (pause === undefined) throw this.#unanswered(error);
        await passing(pause);
      }
    }
  }

  async #saved(room: Room): Promise<SavedRoom> {
    const saved = await room.saved();
    // A file that is away now is told as such.
    if (saved === "not saved")
      await notebookEntry(this.#server, this.#path, MAX_EDIT_BYTES);
    this.#savedAt = Date.now();
    this.#onSaved();
    return saved;
  }

  #unanswered(cause?: unknown): ExpectedError {
    const failure = cause instanceof ExpectedError ? cause.failure : null;
    const isLate = failure?.code === "room_not_answering";
    const reason =
      failure?.code === "jupyter_unreachable"
        ? failure.reason
        : isLate
          ? "timeout"
          : "network";
    const path = this.#path;
    return new ExpectedError({ code: "save_unanswered", path, reason }, { cause });
  }
}

/** What keeps from a room, and says nothing about what was changed there. */
function isAway(error: unknown): boolean {
  if (error instanceof ExpectedError) return AWAY.has(error.failure.code);
  return error instanceof RoomLostError || error instanceof NoRoomError;
}

const AWAY: ReadonlySet<string> = new Set(["jupyter_unreachable", "room_not_answering"]);

/** Sees to it that a change is in a room that was entered again. What comes back is still to be delivered. */
async function madeIn(room: Room, change: Change): Promise<Change | null> {
  if (!isSameRoom(room, change)) return change.again(room);
  if ((room.state.get(change.client) ?? 0) < change.end) room.repeat(change.updates);
  return change;
}

/**
 * Whether a room is the one in which a change was made: it has all that the
 * document had before. The server itself, whose number is 0, writes a document
 * once, from a file; one that was written from another file is another one.
 */
function isSameRoom(room: Room, { session, base }: Change): boolean {
  if (!isSame(room.session, session)) return false;
  const now = room.state;
  return (
    now.get(0) === base.get(0) &&
    [...base].every(([client, clock]) => (now.get(client) ?? 0) >= clock)
  );
}

/** Whether cells go by the ids that they have in the room, as they do from nbformat 4.5 on. */
function hasOwnIds(doc: Y.Doc): boolean {
  const minor = metaOf(doc).get("nbformat_minor");
  return typeof minor === "number" && minor >= 5;
}

/** The runs, with the outputs that a notebook has of them. */
function keptOf(
  { cells }: Notebook,
  runs: ReadonlyMap<string, CellRun>,
): ReadonlyMap<string, CellRun> {
  const kept = new Map<string, CellRun>();
  for (const { id, members } of cells) {
    const run = runs.get(id);
    if (run === undefined) continue;
    // Made by us of outputs.
    const outputs = jsonValue(members.get("outputs")) as readonly NbOutput[];
    kept.set(id, { ...run, outputs });
  }
  return kept;
}

function sizeOf({ outputs }: CellRun): number {
  return JSON.stringify(outputs).length;
}
