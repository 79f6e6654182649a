import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { NO_PROGRESS } from "../../../src/kernel/execution.ts";
import type { Item } from "../../../src/kernel/item.ts";
import { EXECUTION_CAP_CHARS, Journal } from "../../../src/kernel/journal.ts";
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
