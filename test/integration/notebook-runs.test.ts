import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { ConversationKernels } from "../../src/conversation/kernels.ts";
import { NotebookRuns, type NotebookHost } from "../../src/conversation/notebook-runs.ts";
import { Runs } from "../../src/conversation/runs.ts";
import { Changes } from "../../src/conversation/waiting.ts";
import { Log } from "../../src/log.ts";
import { startOf } from "../../src/jupyter/collaboration.ts";
import { JupyterServer } from "../../src/jupyter/server.ts";
import { Notebooks } from "../../src/notebook/access.ts";
import { NO_PROGRESS } from "../../src/kernel/execution.ts";
import { Journal } from "../../src/kernel/journal.ts";
import { KernelSlots } from "../../src/kernel/slots.ts";
import { ContentsNotebook } from "../../src/notebook/contents-notebook.ts";
import { countNumbered } from "../../src/output/render.ts";
import { fileText, putText } from "./notebook-support.ts";
import { jupyter, jupyterAddress } from "./support.ts";

/** A real server that counts saves; `afterSave` is done between a save and the look after it. */
class CountingServer extends JupyterServer {
  saves = 0;
  afterSave: () => Promise<void> = async () => undefined;

  constructor() {
    super(jupyterAddress());
  }

  override async request(...args: Parameters<JupyterServer["request"]>) {
    const answer = await super.request(...args);
    if (args[1]?.method === "PUT") {
      this.saves += 1;
      await this.afterSave();
    }
    return answer;
  }
}

function notebookText(type: "code" | "markdown" = "code", minor = 5): string {
  const code = { execution_count: null, outputs: [] };
  const cell = {
    cell_type: type,
    ...(minor === 5 && { id: "only" }),
    metadata: {},
    source: "1",
    ...(type === "code" && code),
  };
  return JSON.stringify({
    cells: [cell],
    metadata: {},
    nbformat: 4,
    nbformat_minor: minor,
  });
}

interface Bench {
  readonly server: CountingServer;
  readonly sql: SqlStorage;
  readonly journal: Journal;
  readonly clock: { now: number };
  /** Those of an object that has just begun: what it knows is in the journal. */
  runs(): NotebookRuns;
  /** Journals a run of the only cell of the notebook, which has printed and ended. */
  ended(path: string, text: string): number;
}

/** Runs `work` with a journal in real storage, and a clock of its own. */
async function withRuns(work: (bench: Bench) => Promise<void>) {
  const stub = env.CONVERSATION.getByName(crypto.randomUUID());
  await runInDurableObject(stub, async (_instance, { storage: { sql } }) => {
    const clock = { now: 1_000_000 };
    const now = () => clock.now;
    const server = new CountingServer();
    const journal = new Journal(sql, { countNumbered });
    const slots = new KernelSlots(sql);
    journal.createSchema();
    slots.createSchema();
    const log = new Log("error");
    let turn: Promise<void> = Promise.resolve();
    const exclusively = (_path: string, task: () => Promise<void>) => {
      turn = turn.then(task);
      return turn;
    };
    const host: NotebookHost = {
      server,
      journal,
      slots,
      kernels: new ConversationKernels(server, slots, now, () => false, log),
      log,
      changes: new Changes(),
      lingerMs: 0,
      now,
      changed: () => undefined,
      isAwaited: () => false,
      connection: () => {
        throw new Error("Nothing is sent here.");
      },
      throwIfEnded: () => undefined,
      hasEnded: () => false,
      inBackground: () => undefined,
      reportSoon: () => undefined,
      rememberVersion: async () => undefined,
      tryAgainLater: () => undefined,
      exclusively,
      notebooks: new Notebooks(
        server,
        {
          exclusively,
          // About the file, also where the server has rooms.
          roomOffer: async () => ({
            startedAt: (await startOf(server)) ?? "",
            isOffered: false,
          }),
          keepRoomOffer: async () => undefined,
        },
        async () => {
          throw new Error("There are no rooms here.");
        },
      ),
    };
    await work({
      server,
      sql,
      journal,
      clock,
      runs: () => new NotebookRuns(host, new Runs(host)),
      ended(path, text) {
        const msgId = crypto.randomUUID();
        const progress = NO_PROGRESS;
        const { number } = journal.add({ msgId, code: "", progress, now: clock.now });
        const step = {
          cellId: "only",
          cellIndex: 0,
          msgId: crypto.randomUUID(),
          code: "1",
        };
        journal.plan(number, {
          path,
          version: "",
          cells: 1,
          onError: "stop",
          isKernelNew: false,
          session: "",
          steps: [step],
        });
        journal.markSent({ number, step: 0 }, 1, 1, clock.now);
        journal.append(
          number,
          [{ type: "stream", name: "stdout", text, step: 0 }],
          ["m"],
        );
        const done = {
          ...NO_PROGRESS,
          reply: "ok",
          idle: true,
          executionCount: 1,
        } as const;
        journal.saveProgress(number, "ok", done, clock.now, 0);
        return number;
      },
    });
  });
}

async function deleteFile(path: string) {
  await (await jupyter(`/api/contents/${path}`, { method: "DELETE" })).text();
}

test("all who want a run in its file at the same time share one save", async () => {
  const path = "shared-save.ipynb";
  await putText(path, notebookText());
  await withRuns(async ({ server, runs, ended }) => {
    const saving = runs();
    const number = ended(path, "printed\n");
    await Promise.all([1, 2, 3, 4].map(() => saving.save(number)));
    expect(server.saves).toBe(1);
    expect(await fileText(path)).toContain("printed");
  });
});

test("attempts that fail are shared too, and counted in the journal", async () => {
  await withRuns(async ({ journal, runs, ended }) => {
    const saving = runs();
    const number = ended("shared-nothing.ipynb", "printed\n");
    await Promise.all([1, 2, 3, 4].map(() => saving.save(number)));
    expect(journal.notebookRun(number)).toMatchObject({
      trouble: "file not found",
      failedSaves: 2,
    });
  });
});

test("outputs are given up only minutes after the end and several attempts, crashes in between", async () => {
  const path = "given-up.ipynb";
  await withRuns(async ({ journal, clock, runs, ended }) => {
    const number = ended(path, "printed\n");
    for (let attempt = 1; attempt <= 8; attempt += 1) {
      await runs().save(number);
      expect(journal.notebookRun(number)?.isGivenUp, `attempt ${attempt}`).toBe(false);
      clock.now += 20_000;
    }
    clock.now += 60_000;
    await runs().save(number);
    expect(journal.notebookRun(number)).toMatchObject({
      isGivenUp: true,
      failedSaves: 9,
    });
  });
  await withRuns(async ({ journal, clock, runs, ended }) => {
    const number = ended(path, "printed\n");
    clock.now += 60 * 60_000;
    await runs().save(number);
    expect(journal.notebookRun(number)?.isGivenUp).toBe(false);
    await putText(path, notebookText());
    await runs().save(number);
    expect(journal.notebookRun(number)).toMatchObject({ trouble: null, failedSaves: 0 });
    expect(await fileText(path)).toContain("printed");
  });
  await deleteFile(path);
});

test("what the journal has let go of is not wiped out of the file by what comes late, after a crash", async () => {
  const path = "discarded.ipynb";
  await putText(path, notebookText());
  await withRuns(async ({ sql, journal, server, runs, ended }) => {
    const number = ended(path, "printed\n");
    expect(await runs().saveAll()).toBe(true);
    sql.exec("DELETE FROM output");
    sql.exec("UPDATE executions SET discarded = 1, chars = 0");
    const late = { type: "stream", name: "stdout", text: "late\n", step: 0 } as const;
    journal.append(number, [late], ["n"]);
    await runs().save(number);
    expect(server.saves).toBe(1);
    expect(await fileText(path)).toContain("printed");
    expect(journal.unsavedNotebookRuns()).toEqual([]);
  });
});

test("outputs that somebody else has overwritten at once are written again", async () => {
  const path = "overtaken.ipynb";
  await putText(path, notebookText());
  await withRuns(async ({ server, runs, ended }) => {
    server.afterSave = async () => {
      if (server.saves === 1) await putText(path, notebookText("code", 5));
    };
    ended(path, "printed\n");
    expect(await runs().saveAll()).toBe(true);
    expect(server.saves).toBe(2);
    expect(await fileText(path)).toContain("printed");
  });
});

test("outputs that are written again do not replace what a later run has made of the cell", async () => {
  const path = "overtaken-twice.ipynb";
  await putText(path, notebookText());
  await withRuns(async ({ server, runs, ended }) => {
    const saving = runs();
    let later: Promise<void> | undefined;
    server.afterSave = async () => {
      if (server.saves !== 1) return;
      await putText(path, notebookText());
      later = saving.save(ended(path, "second\n"));
    };
    await saving.save(ended(path, "first\n"));
    expect(await saving.saveAll()).toBe(true);
    await later;
    expect(server.saves).toBe(3);
    expect(await fileText(path)).toContain("second");
  });
});

test("where outputs do not stay in the file, the next run waits until that is known", async () => {
  const path = "overtaken-before.ipynb";
  await putText(path, notebookText());
  await withRuns(async ({ journal, server, runs, ended }) => {
    const saving = runs();
    server.afterSave = () => putText(path, notebookText());
    const first = ended(path, "first\n");
    await saving.save(first);
    expect(journal.notebookRun(first)?.trouble).toBe(null);
    expect(await saving.saveAll()).toBe(false);
    const second = ended(path, "second\n");
    await saving.save(second);
    expect(journal.notebookRun(second)?.trouble).toBe("saved meanwhile");
    server.afterSave = async () => undefined;
    expect(await saving.saveAll()).toBe(true);
    const third = ended(path, "third\n");
    await saving.save(third);
    expect(journal.notebookRun(third)).toMatchObject({ trouble: null, savedRevision: 0 });
    expect(await saving.saveAll()).toBe(true);
  });
});

test("outputs that somebody else overwrites each time are said not to be in the file", async () => {
  const path = "overtaken-always.ipynb";
  await putText(path, notebookText());
  await withRuns(async ({ journal, server, runs, ended }) => {
    server.afterSave = () => putText(path, notebookText());
    const number = ended(path, "printed\n");
    expect(await runs().saveAll()).toBe(false);
    expect(journal.notebookRun(number)).toMatchObject({
      trouble: "saved meanwhile",
      isGivenUp: false,
    });
  });
});

test("where no cell is there that ran, nothing is saved", async () => {
  const path = "all-gone.ipynb";
  const text = notebookText("markdown");
  await putText(path, text);
  await withRuns(async ({ server, journal, runs, ended }) => {
    const number = ended(path, "printed\n");
    await runs().save(number);
    expect(server.saves).toBe(0);
    expect(journal.notebookRun(number)?.missing).toEqual(["only"]);
  });
  expect(await fileText(path)).toBe(text);
});

test("writing outputs says what was upgraded with them", async () => {
  const path = "older.ipynb";
  await putText(path, notebookText("code", 2));
  const server = new CountingServer();
  const document = new ContentsNotebook(server, path, (work) => work());
  const { notebook } = await document.load();
  const run = { executionCount: 1, outputs: [] };
  const written = await document.writeOutputs(
    new Map([[notebook.cells[0]?.id ?? "", run]]),
  );
  const upgraded = "nbformat 4.2 to 4.5";
  expect(written).toEqual({ missing: [], upgraded, isLive: false, isInFile: true });
});
