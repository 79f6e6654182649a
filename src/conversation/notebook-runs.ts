/**
 * Runs of a notebook's cells: what they begin with, and the way of their outputs
 * from the journal into the file. The file lags a few seconds behind while they
 * run; what could not be written is written later, after a crash too.
 */

import { ExpectedError } from "../errors.ts";
import { restartKernel } from "../jupyter/kernels.ts";
import { listSessions } from "../jupyter/sessions.ts";
import { isFinal } from "../kernel/execution.ts";
import type { ExecutionRecord, NotebookPlan, NotebookRun } from "../kernel/journal.ts";
import type { Notebooks } from "../notebook/access.ts";
import type { CellRun, Loaded } from "../notebook/document.ts";
import { jsonValue } from "../notebook/notebook.ts";
import { kernelspecOf } from "../notebook/outline.ts";
import { RunOutputs } from "../notebook/outputs.ts";
import { selectCells } from "../notebook/select.ts";
import { exclusivelyOn, type Turns } from "../notebook/turns.ts";
import { marksOf, versionOf, type CellMark } from "../notebook/version.ts";
import type { ForRun, SeenKernel } from "./kernels.ts";
import type { Choose, Runs, RunsHost } from "./runs.ts";

/** Somebody who watches the file sees output this soon. */
const WRITE_INTERVAL_MS = 2_000;
/** Somebody who has the notebook open in its room sees it as it is printed. */
const LIVE_INTERVAL_MS = 250;
/** What writing takes of the time, at most: a tenth. */
const WRITING_SHARE = 10;
/** A version is remembered for a day; that somebody was given it again need not be told each time. */
const REMEMBER_EVERY_MS = 10 * 60_000;

/** What of a notebook is to run. */
export interface NotebookRequest {
  readonly path: string;
  readonly cells: string | readonly string[];
  readonly kernel?: string | undefined;
  readonly restart: boolean;
  readonly onError: "stop" | "continue";
}

/** What these runs need of their conversation. */
export interface NotebookHost extends RunsHost, Turns {
  readonly notebooks: Notebooks;
  rememberVersion(
    path: string,
    version: string,
    marks: readonly CellMark[],
  ): Promise<void>;
  /** Sees to it that {@link NotebookRuns.saveAll} is called again in a while. */
  tryAgainLater(): void;
}

/** What a run of cells begins with. */
interface ReadCells {
  readonly version: string;
  readonly marks: readonly CellMark[];
  readonly kernelspec: ReturnType<typeof kernelspecIn>;
  readonly seen: SeenKernel | null;
  readonly steps: NotebookPlan["steps"];
}

/** What of a run's outputs was built so far. */
interface Building {
  readonly outputs: RunOutputs;
  /** Of the last item that was read, and the cell that it belongs to. */
  position: number;
  step: number;
  droppedChars: number;
  /** What was built and is not in the file. */
  readonly changed: Set<number>;
}

/** See the head of this file. */
export class NotebookRuns {
  readonly #host: NotebookHost;
  readonly #runs: Runs;
  readonly #building = new Map<number, Building>();
  readonly #timers = new Map<number, ReturnType<typeof setTimeout>>();
  /** Writes that are under way, and those that come next. */
  readonly #saving = new Map<number, Promise<void>>();
  readonly #savingNext = new Map<number, Promise<void>>();
  /** How soon what is new is written, of runs whose notebook is in a room. */
  readonly #intervals = new Map<number, number>();
  /** Notebooks into which outputs could not be written when that was tried last. */
  readonly #troubled = new Set<string>();
  /** The version that was remembered last. */
  #remembered: { readonly key: string; readonly at: number } | null = null;

  constructor(host: NotebookHost, runs: Runs) {
    this.#host = host;
    this.#runs = runs;
  }

  /**
   * Reads the notebook and which of its cells are to run, as they are now. What
   * comes back finds or starts its kernel, and plans the run.
   *
   * @throws {ExpectedError} where it cannot be run: it cannot be read, has no
   *   such cells, or cannot have such a kernel
   */
  async prepare(record: ExecutionRecord, request: NotebookRequest): Promise<Choose> {
    const { path } = request;
    const { kernels } = this.#host;
    const asked = kernels.sessionOf(path);
    // Told of where it is waited for, unless the notebook cannot be read.
    asked.catch(() => undefined);
    const { notebook, isLive } = await this.#host.notebooks.load(path);
    if (isLive) this.#intervals.set(record.number, LIVE_INTERVAL_MS);
    const marks = marksOf(notebook.cells);
    const version = versionOf(marks);
    const steps = stepsOf(notebook.cells, request, version);
    const kernelspec = kernelspecIn(jsonValue(notebook.members.get("metadata")));
    const seen = await kernels.checkNotebook(asked, path, kernelspec, request.kernel);
    return () =>
      this.#choose(record, request, { version, marks, kernelspec, steps, seen });
  }

  async #choose(
    record: ExecutionRecord,
    request: NotebookRequest,
    { version, marks, kernelspec, steps, seen }: ReadCells,
  ): Promise<ForRun> {
    const { path, restart, onError } = request;
    const { kernels } = this.#host;
    // One at a time: two runs that find no session would start two.
    const found =
      (await kernels.seenForNotebook(seen)) ??
      (await exclusivelyOn(
        this.#host,
        path,
      )(() => kernels.forNotebook(path, kernelspec, request.kernel)));
    const slot = restart && !found.isStarted ? await this.#restarted(found) : found.slot;
    this.#host.throwIfEnded();
    // Once the first cell is on its way.
    setTimeout(() => this.#rememberVersion(path, version, marks), 0);
    const plan: NotebookPlan = {
      path,
      version,
      cells: marks.length,
      onError,
      isKernelNew: found.isStarted || restart,
      session: found.session,
      steps,
    };
    this.#host.journal.plan(record.number, plan);
    return { slot, isStarted: found.isStarted };
  }

  /** Whether people may be looking at the notebook of a run in its room. */
  isLive(number: number): boolean {
    return this.#intervals.has(number);
  }

  /** Sends the next cell when one has ended, and writes what is new into the file, in a moment. */
  changed(record: ExecutionRecord): void {
    const { number, step, startedAt, sentAt } = record;
    if (step === null) return;
    const hasEnded = isFinal(record.state);
    if (!hasEnded && startedAt !== null && sentAt === null) this.#runs.sendNext(record);
    const interval = this.#intervals.get(number) ?? WRITE_INTERVAL_MS;
    this.#saveSoon(number, hasEnded ? 0 : interval);
  }

  /**
   * Writes what of a run is not in its file, and waits for that: not for the look at
   * whether it stays there. All who call while it is written share the next time.
   */
  async save(number: number): Promise<void> {
    this.#cancel(number);
    const underWay = this.#saving.get(number);
    if (underWay === undefined) return this.#saveNow(number);
    const next =
      this.#savingNext.get(number) ??
      underWay.then(() => {
        this.#savingNext.delete(number);
        return this.#saving.get(number) ?? this.#saveNow(number);
      });
    this.#savingNext.set(number, next);
    return next;
  }

  async #saveNow(number: number): Promise<void> {
    if (this.#host.hasEnded()) return;
    const run = this.#host.journal.notebookRun(number);
    if (run === null || run.isGivenUp || run.revision === run.savedRevision) return;
    const { promise: inFile, resolve } = Promise.withResolvers<void>();
    // Where it did not stay in the file the last time, that is waited for, and told.
    const isTroubled = run.trouble !== null || this.#troubled.has(run.path);
    const saving = this.#save(run, resolve).finally(() => this.#saving.delete(number));
    this.#saving.set(number, saving);
    this.#host.inBackground(saving);
    await (isTroubled ? saving : Promise.race([inFile, saving]));
  }

  /** Writes whatever is not in its file. True when everything is. */
  async saveAll(): Promise<boolean> {
    for (const { execution } of this.#host.journal.unsavedNotebookRuns()) {
      await this.save(execution);
      await this.#saving.get(execution);
    }
    if (this.#host.hasEnded()) return true;
    return this.#host.journal.unsavedNotebookRuns().length === 0;
  }

  #saveSoon(number: number, delayMs: number): void {
    if (delayMs === 0) this.#cancel(number);
    if (this.#timers.has(number)) return;
    const timer = setTimeout(() => {
      this.#timers.delete(number);
      this.#host.inBackground(this.save(number));
    }, delayMs);
    this.#timers.set(number, timer);
  }

  #cancel(number: number): void {
    clearTimeout(this.#timers.get(number) ?? null);
    this.#timers.delete(number);
  }

  async #save(run: NotebookRun, inFile: () => void): Promise<void> {
    const { execution: number, revision } = run;
    const { journal } = this.#host;
    if (!this.#building.has(number) && journal.get(number)?.discarded === true) {
      // What the journal let go of is in the file; the little that came since would replace it.
      journal.markSaved(number, revision, run.path, run.missing, "");
      return;
    }
    const building = this.#built(number);
    const steps = journal.steps(number);
    const runs = new Map<string, CellRun>();
    // What a later run made of a cell stays, whatever arrives late of this one.
    const written = steps.filter(
      ({ step, state, isOvertaken }) =>
        state !== "pending" && !isOvertaken && building.changed.has(step),
    );
    for (const { step, cellId, executionCount, state } of written)
      runs.set(cellId, {
        executionCount,
        outputs: building.outputs.outputs(step),
        isRunning: !isFinalStep(state),
      });
    const startedAt = this.#host.now();
    try {
      const { path, missing, upgraded, isLive, isInFile } = await this.#write(
        run,
        runs,
        inFile,
      );
      this.#pace(number, isLive, this.#host.now() - startedAt);
      if (this.#host.hasEnded()) return;
      const allMissing = [...new Set([...run.missing, ...missing])];
      journal.markSaved(number, revision, path, allMissing, upgraded ?? "");
      this.#troubled.delete(run.path);
      for (const { step, state } of written)
        if (isInFile && isFinalStep(state)) building.changed.delete(step);
    } catch (error) {
      if (this.#host.hasEnded()) return;
      const code = error instanceof ExpectedError ? error.failure.code : "internal error";
      if (!(error instanceof ExpectedError))
        this.#host.log.bug({ task: "write_outputs", execution: `e${number}` }, error);
      const endedAt = journal.get(number)?.endedAt ?? null;
      const failedSaves = endedAt === null ? 0 : run.failedSaves + 1;
      // A file may be away, or half written, for a moment: while cells run, and a while after.
      const isGivenUp =
        GIVEN_UP.has(code) &&
        endedAt !== null &&
        failedSaves >= MIN_ATTEMPTS &&
        this.#host.now() - endedAt >= GIVE_UP_AFTER_MS;
      journal.markUnsaved(number, code.replaceAll("_", " "), failedSaves, isGivenUp);
      this.#troubled.add(run.path);
      if (!isGivenUp) this.#host.tryAgainLater();
    }
  }

  /** Writes into the file; where that was moved, to where its session says that it is. */
  async #write(run: NotebookRun, runs: ReadonlyMap<string, CellRun>, inFile: () => void) {
    if (runs.size === 0)
      return {
        path: run.path,
        missing: [],
        upgraded: null,
        isLive: null,
        isInFile: true,
      };
    const { notebooks, journal } = this.#host;
    const isLast = isFinal(journal.get(run.execution)?.state ?? "lost");
    try {
      return {
        path: run.path,
        ...(await notebooks.writeOutputs(run.path, runs, isLast, inFile)),
      };
    } catch (error) {
      const isMissing =
        error instanceof ExpectedError && error.failure.code === "file_not_found";
      const moved = isMissing ? await this.#movedTo(run) : null;
      if (moved === null) throw error;
      return { path: moved, ...(await notebooks.writeOutputs(moved, runs, isLast)) };
    }
  }

  /** A large notebook is written less often. */
  #pace(number: number, isLive: boolean | null, tookMs: number): void {
    if (isLive === false) this.#intervals.delete(number);
    if (isLive === true)
      this.#intervals.set(number, Math.max(LIVE_INTERVAL_MS, WRITING_SHARE * tookMs));
  }

  /** The notebook's own session goes where JupyterLab moves the file; any other is another notebook's. */
  async #movedTo({ session, path }: NotebookRun): Promise<string | null> {
    const sessions = await listSessions(this.#host.server);
    const own = sessions.find(({ id }) => session !== "" && id === session);
    return own === undefined || own.path === path ? null : own.path;
  }

  /** What the journal holds by now, built into outputs: after a crash, from its beginning. */
  #built(number: number): Building {
    const { journal } = this.#host;
    let building = this.#building.get(number);
    if (building === undefined) {
      this.#forgetEnded();
      building = {
        outputs: new RunOutputs(),
        position: 0,
        step: 0,
        droppedChars: 0,
        changed: new Set(),
      };
      this.#building.set(number, building);
      // After a crash nobody knows what is in the file: all of it is written again.
      for (const { step } of journal.steps(number)) building.changed.add(step);
    }
    for (const { position, item } of journal.items(number, building.position)) {
      const step = item.step ?? 0;
      if (position > building.position + 1) {
        const dropped = journal.get(number)?.droppedChars ?? 0;
        // Whose output it was is not known: of any cell from the last item's to this one's.
        const [from, to] = [building.step, step].toSorted((a, b) => a - b);
        for (let cut = from ?? step; cut <= (to ?? step); cut += 1)
          building.outputs.addGap(cut, dropped - building.droppedChars);
        building.droppedChars = dropped;
      }
      building.outputs.add(step, item);
      building.position = position;
      building.step = step;
    }
    for (const step of building.outputs.takeChanged()) building.changed.add(step);
    return building;
  }

  /** Lets go of runs that ended and are in their files, before another one is held in memory. */
  #forgetEnded(): void {
    for (const number of this.#building.keys()) {
      const run = this.#host.journal.notebookRun(number);
      const isDone = run === null || run.isGivenUp || run.revision === run.savedRevision;
      const record = this.#host.journal.get(number);
      if (isDone && (record === null || isFinal(record.state)))
        this.#building.delete(number);
    }
  }

  /** Nobody waits for that: where it is not known later, whoever edits is told to read again. */
  #rememberVersion(path: string, version: string, marks: readonly CellMark[]): void {
    const [key, at] = [`${version} ${path}`, this.#host.now()];
    const last = this.#remembered;
    const isRecent = last?.key === key && at - last.at < REMEMBER_EVERY_MS;
    if (isRecent || this.#host.hasEnded()) return;
    this.#remembered = { key, at };
    const telling = this.#host.rememberVersion(path, version, marks);
    const remembered = telling.catch((error: unknown) => {
      this.#remembered = null;
      const name = error instanceof Error ? error.name : typeof error;
      this.#host.log.warn("interrupted", { task: "remember_version", error: name });
    });
    this.#host.inBackground(remembered);
  }

  async #restarted({ slot }: ForRun) {
    const connection = this.#host.connection(slot.slot);
    const restart = () => restartKernel(this.#host.server, slot.kernelId);
    if ((await connection.restarting(restart)) === null) throw this.#runs.goneError(slot);
    return connection.replaced("run_cells restarted the kernel while it ran");
  }
}

/** What no later attempt would mend, once whoever moves or repairs the file is done. */
const GIVEN_UP: ReadonlySet<string> = new Set([
  "file_not_found",
  "is_folder",
  "not_notebook",
  "bad_notebook",
  "file_too_large",
  "notebook_would_be_too_large",
  "write_refused",
  "internal error",
]);
/** After a run's end it is tried so often at least, and so long. */
const MIN_ATTEMPTS = 5;
const GIVE_UP_AFTER_MS = 3 * 60_000;

function isFinalStep(state: string): boolean {
  return state !== "pending" && state !== "running" && state !== "waiting for input";
}

function kernelspecIn(metadata: unknown) {
  if (typeof metadata !== "object" || metadata === null) return null;
  return kernelspecOf(
    Reflect.get(metadata, "kernelspec"),
    Reflect.get(metadata, "language_info"),
  );
}

/** The code cells that were asked for; those without code are passed over, as JupyterLab does. */
function stepsOf(
  cells: Loaded["notebook"]["cells"],
  { path, cells: wanted }: NotebookRequest,
  version: string,
): NotebookPlan["steps"] {
  const selectable = cells.map(({ id, members }) => {
    const count = jsonValue(members.get("execution_count"));
    return { id, executionCount: typeof count === "number" ? count : null };
  });
  const steps = selectCells(selectable, wanted, { path, version }).flatMap(
    (cellIndex) => {
      const cell = cells[cellIndex];
      if (cell?.type !== "code" || cell.source.trim() === "") return [];
      return [
        { cellId: cell.id, cellIndex, msgId: crypto.randomUUID(), code: cell.source },
      ];
    },
  );
  if (steps.length > 0) return steps;
  const selection = typeof wanted === "string" ? wanted : wanted.join(", ");
  throw new ExpectedError({ code: "no_code", path, cells: selection });
}
