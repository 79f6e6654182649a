/**
 * A person's assistant in one notebook's room: all of their conversations and
 * tools are one collaborator there. It is in the room as long as it has something
 * to do, and a while longer; in between nothing of it remains.
 */

import { DurableObject } from "cloudflare:workers";
import { configOf, type Config } from "../config.ts";
import { outcomeOf, valueOf, type Outcome } from "../errors.ts";
import { workspaceName } from "../identity.ts";
import { Log, shortPerson } from "../log.ts";
import { judgeByHub } from "../jupyter/hub-server.ts";
import { JupyterServer } from "../jupyter/server.ts";
import type { RoomObject, RoomPlace } from "../notebook/access.ts";
import type { CellRun, Written } from "../notebook/document.ts";
import type { Edit } from "../notebook/edit.ts";
import type { EditBase } from "../notebook/edit-base.ts";
import { editNotebook, type EditResult } from "../notebook/editing.ts";
import { RoomNotebook, type RoomContent } from "../notebook/room-notebook.ts";
import { NoRoomError } from "../notebook/room-visits.ts";

/** See the head of this file. Where the server cannot make a room of the file, methods answer with null. */
export class NotebookRoom extends DurableObject<Env> implements RoomObject {
  readonly #config: Config;
  readonly #log: Log;
  #notebook: RoomNotebook | null = null;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#config = configOf(env);
    this.#log = new Log(this.#config.logLevel, { person: shortPerson(ctx.id.name) });
  }

  /** What is in the room. A caller of the version before, as in a deploy, wants the entry and does not say so. */
  content(place: RoomPlace, withEntry = true): Promise<Outcome<RoomContent | null>> {
    return this.#unlessNone(place, (notebook) => notebook.content(withEntry));
  }

  /** Makes edits in the room. */
  edit(
    place: RoomPlace,
    base: EditBase,
    edits: readonly Edit[],
  ): Promise<Outcome<EditResult | null>> {
    return this.#unlessNone(place, (notebook) => editNotebook(notebook, base, edits));
  }

  /** Puts what runs have made of cells into the room. */
  writeOutputs(
    place: RoomPlace,
    runs: ReadonlyMap<string, CellRun>,
    isLast: boolean,
  ): Promise<Outcome<Written | null>> {
    return this.#unlessNone(place, (notebook) => notebook.writeOutputs(runs, isLast));
  }

  #unlessNone<T>(
    place: RoomPlace,
    work: (notebook: RoomNotebook) => Promise<T>,
  ): Promise<Outcome<T | null>> {
    this.#notebook ??= this.#open(place);
    const done = outcomeOf(
      () =>
        work(this.#notebook ?? this.#open(place)).catch((error: unknown) => {
          if (error instanceof NoRoomError) return null;
          throw error;
        }),
      (error) => this.#log.bug({}, error),
    );
    // Whoever called may leave before it is done.
    this.ctx.waitUntil(done.catch(() => undefined));
    return done;
  }

  #open({ owner, path }: RoomPlace): RoomNotebook {
    const workspace = this.env.WORKSPACE.getByName(workspaceName(owner));
    const { signIn, jupyter, kernelLingerMs } = this.#config;
    const server = new JupyterServer(
      signIn === null ? jupyter : async () => valueOf(await workspace.address()),
      judgeByHub,
    );
    const saved = () => {
      // The next search reads it again. What fails there is found at the next listing.
      this.ctx.waitUntil(workspace.fileChanged(path).catch(() => undefined));
    };
    return new RoomNotebook(server, path, kernelLingerMs, saved, (error) => {
      this.#log.bug({ task: "room_message" }, error);
    });
  }
}
