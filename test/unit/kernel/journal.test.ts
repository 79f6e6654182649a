import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { NO_PROGRESS } from "../../../src/kernel/execution.ts";
import type { Item } from "../../../src/kernel/item.ts";
import {
  CONVERSATION_CAP_CHARS,
  EXECUTION_CAP_CHARS,
  Journal,
  upgradeJournal,
} from "../../../src/kernel/journal.ts";
import { countNumbered } from "../../../src/output/render.ts";

/** Runs `work` with an empty journal in real storage; `again` reads the same storage anew. */
async function withJournal(
  work: (journal: Journal, again: () => Journal, sql: SqlStorage) => void,
) {
  const stub = env.CONVERSATION.getByName(crypto.randomUUID());
  await runInDurableObject(stub, (_instance, { storage }) => {
    const open = () => new Journal(storage.sql, { countNumbered });
    const journal = open();
    journal.createSchema();
    work(journal, open, storage.sql);
  });
}

function begin(journal: Journal): number {
  const msgId = crypto.randomUUID();
  return journal.add({ msgId, code: "1", progress: NO_PROGRESS, now: 0 }).number;
}

function planOf(path: string): Parameters<Journal["plan"]>[1] {
  const step = { cellId: "c", cellIndex: 0, msgId: crypto.randomUUID(), code: "1" };
  return {
    path,
    version: "",
    cells: 1,
    onError: "stop",
    isKernelNew: false,
    session: "s",
    steps: [step],
  };
}

function stdout(text: string): Item {
  return { type: "stream", name: "stdout", text };
}

const PNG: Item = {
  type: "display_data",
  data: { "image/png": "iVBORw0KGgo=" },
  metadata: {},
};

test("items come back in order with their positions, from any position on, also after a reload", async () => {
  await withJournal((journal, again) => {
    const number = begin(journal);
    journal.append(number, [stdout("a"), stdout("b")], ["m1"]);
    journal.append(number, [PNG], ["m2"]);
    journal.append(number, [stdout("c")], ["m3"]);
    for (const reader of [journal, again()]) {
      expect([...reader.items(number)].map(({ position }) => position)).toEqual([
        1, 2, 3, 4,
      ]);
      expect([...reader.items(number, 1)].map(({ item }) => item)).toEqual([
        stdout("b"),
        PNG,
        stdout("c"),
      ]);
      expect([...reader.items(number, 4)]).toEqual([]);
      expect(reader.get(number)?.position).toBe(4);
      expect(
        [...reader.items(number)].map(({ numberedBefore }) => numberedBefore),
      ).toEqual([0, 0, 0, 1]);
    }
  });
});

test("a message that was taken in is not new, also after a reload", async () => {
  await withJournal((journal, again) => {
    const number = begin(journal);
    expect(journal.isNew(number, "m1")).toBe(true);
    journal.append(number, [stdout("a")], ["m1"]);
    expect(journal.isNew(number, "m1")).toBe(false);
    expect(again().isNew(number, "m1")).toBe(false);
    expect(again().isNew(number, "m2")).toBe(true);
  });
});

test("an item larger than a row is stored in parts below 1 MB and read back whole", async () => {
  await withJournal((journal, _again, sql) => {
    const number = begin(journal);
    const item: Item = {
      type: "execute_result",
      data: { "text/plain": `${"x".repeat(299_950)}${"🐎".repeat(400_000)}` },
      metadata: {},
    };
    journal.append(number, [stdout("before"), item, stdout("after")], ["m1"]);
    expect([...journal.items(number)].map((placed) => placed.item)).toEqual([
      stdout("before"),
      item,
      stdout("after"),
    ]);
    const { bytes } = sql
      .exec<{ bytes: number }>(
        "SELECT max(length(CAST(data AS BLOB))) AS bytes FROM output",
      )
      .one();
    expect(bytes).toBeLessThan(1_000_000);
  });
});

test("above the cap the middle leaves and is counted, head and tail stay, and image numbers stay right", async () => {
  await withJournal((journal) => {
    const number = begin(journal);
    const chunk = "y".repeat(4_000);
    const rounds = 150;
    for (let round = 0; round < rounds; round += 1) {
      journal.append(
        number,
        [PNG, ...Array.from({ length: 50 }, () => stdout(chunk))],
        [`m${round}`],
      );
    }
    const record = journal.get(number)!;
    const kept = [...journal.items(number)];
    expect(record.position).toBe(rounds * 51);
    expect(kept.length + record.droppedItems).toBe(record.position);
    expect(record.droppedChars).toBeGreaterThan(0);
    expect(kept[0]!.position).toBe(1);
    expect(kept.at(-1)!.position).toBe(record.position);
    const size = kept.reduce((sum, { item }) => sum + JSON.stringify(item).length + 1, 0);
    expect(size).toBeLessThanOrEqual(EXECUTION_CAP_CHARS);
    expect(size).toBeGreaterThan(EXECUTION_CAP_CHARS * 0.9);
    const gap = kept.findIndex(({ position }, index) => position !== index + 1);
    expect(gap).toBeGreaterThan(0);
    for (const { position, numberedBefore } of kept) {
      expect(numberedBefore).toBe(Math.ceil((position - 1) / 51));
    }
  });
});

test("a final state is never taken back, and progress of an ended execution changes nothing", async () => {
  await withJournal((journal) => {
    const number = begin(journal);
    journal.markLost(number, "gone", 5);
    journal.saveProgress(number, "ok", NO_PROGRESS, 6);
    journal.markLost(number, "other", 7);
    expect(journal.get(number)).toMatchObject({
      state: "lost",
      reason: "gone",
      endedAt: 5,
    });
    expect(journal.unfinished()).toEqual([]);
  });
});

test("the first reason for missing output stays", async () => {
  await withJournal((journal) => {
    const number = begin(journal);
    journal.markIncomplete(number, "first");
    journal.markIncomplete(number, "second");
    expect(journal.get(number)?.incomplete).toBe("first");
  });
});

test("tables of an earlier version get what they lack, and keep what they have", async () => {
  await withJournal((journal, again, sql) => {
    const number = begin(journal);
    sql.exec("ALTER TABLE executions DROP COLUMN failure");
    for (const column of ["session", "upgraded", "failed_saves"])
      sql.exec(`ALTER TABLE notebook_runs DROP COLUMN ${column}`);
    const later = again();
    upgradeJournal(sql);
    upgradeJournal(sql);
    later.plan(number, planOf("a.ipynb"));
    expect(later.notebookRun(number)).toMatchObject({ session: "s", failedSaves: 0 });
    const failure = { code: "run_not_begun" } as const;
    later.markLost(number, "it was never sent", 5, failure);
    expect(later.get(number)).toMatchObject({ state: "lost", failure });
  });
});

test("the numbers of images are the same in a journal that counted them by rows, with a middle that was dropped", async () => {
  await withJournal((journal, again, sql) => {
    const number = begin(journal);
    const image = { type: "display_data", data: { "image/png": "AA==" }, metadata: {} };
    const row = (position: number, images: number, isHead: boolean) =>
      sql.exec(
        "INSERT INTO output VALUES (?, ?, 0, ?, 1, ?, ?, '', ?)",
        number,
        position,
        images,
        images,
        isHead ? 1 : 0,
        JSON.stringify(Array.from({ length: images }, () => image)),
      );
    sql.exec("ALTER TABLE output RENAME COLUMN numbered_before TO numbered");
    sql.exec("ALTER TABLE executions RENAME COLUMN numbered TO dropped_numbered");
    row(1, 2, true);
    row(3, 1, true);
    // Items 4 to 8 are gone.
    row(9, 3, false);
    row(12, 1, false);
    sql.exec("UPDATE executions SET position = 12, dropped_numbered = 5");
    upgradeJournal(sql);
    const before = Array.from(again().items(number), (each) => each.numberedBefore);
    expect(before).toEqual([0, 1, 2, 8, 9, 10, 11]);
    again().append(number, [image as Item], ["m"]);
    expect([...again().items(number, 12)].at(-1)?.numberedBefore).toBe(12);
  });
});

test("above the cap of a conversation the oldest output leaves, but not what is not in its notebook yet", async () => {
  await withJournal((journal) => {
    const full = () => {
      const number = begin(journal);
      const text = "z".repeat(EXECUTION_CAP_CHARS - 1_000);
      journal.append(number, [stdout(text)], [`m${number}`]);
      return number;
    };
    const end = (number: number) => journal.saveProgress(number, "ok", NO_PROGRESS, 1);
    const unsaved = begin(journal);
    journal.plan(unsaved, planOf("a.ipynb"));
    journal.append(unsaved, [{ ...stdout("not in the file yet"), step: 0 }], ["m"]);
    end(unsaved);
    const oldest = full();
    end(oldest);
    for (let more = 0; more * EXECUTION_CAP_CHARS < CONVERSATION_CAP_CHARS; more += 1)
      end(full());
    expect(journal.get(oldest)?.discarded).toBe(true);
    expect(journal.get(unsaved)?.discarded).toBe(false);
    expect([...journal.items(unsaved)]).toHaveLength(1);
  });
}, 60_000);
