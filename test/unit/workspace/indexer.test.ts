import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { ExpectedError } from "../../../src/errors.ts";
import { SearchIndex } from "../../../src/search/index-store.ts";
import { parseQuery } from "../../../src/search/query.ts";
import { Indexer, MAX_HELD_BYTES } from "../../../src/workspace/indexer.ts";
import { VersionedStorage } from "../../../src/versioned-storage.ts";
import { RunWatch } from "../../../src/workspace/run-watch.ts";
import { WORKSPACE_SCHEMA } from "../../../src/workspace/workspace.ts";
import type { NotebookSource } from "../../../src/workspace/notebook-source.ts";

const ALL = {
  kinds: ["source", "markdown", "outputs"],
  language: null,
  matchesPath: null,
} as const;

interface Shelved {
  readonly text: string;
  /** Where it is not its length. */
  readonly listedSize?: number;
}

/** Notebooks in memory, which notes who has asked for what and has not stored it yet. */
class Shelf implements NotebookSource {
  readonly #sql: SqlStorage;
  readonly notebooks = new Map<string, Shelved>();
  /** Thrown instead of an answer. */
  readonly errors = new Map<string, Error>();
  /** Large notebooks whose reading ends the object, and what is called then. */
  readonly crashing = new Map<string, () => void>();
  /** Bytes by path of what was asked for, until it is stored. */
  readonly #asked = new Map<string, number>();
  readonly streamed: string[] = [];
  mostBytes = 0;
  mostNotebooks = 0;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  async list() {
    const notebooks = [...this.notebooks].map(([path, { text, listedSize }]) => ({
      path,
      modified: "now",
      size: listedSize ?? text.length,
    }));
    return { notebooks, unknown: [] };
  }

  async bytes(path: string, maxBytes: number) {
    this.#note(path, maxBytes);
    const { text } = await this.#answer(path);
    if (text.length > maxBytes) {
      this.#asked.delete(path);
      const bytes = text.length;
      throw new ExpectedError({ code: "file_too_large", path, bytes, limit: maxBytes });
    }
    return new TextEncoder().encode(text);
  }

  async stream(path: string) {
    const crash = this.crashing.get(path);
    if (crash !== undefined) {
      crash();
      return new Promise<never>(() => undefined);
    }
    return this.#chunks(path, ({ text }) => text);
  }

  async streamUpgraded(path: string) {
    return this.#chunks(path, ({ text }) => {
      const cells = [{ ...cellOf(JSON.parse(text).source), id: crypto.randomUUID() }];
      return JSON.stringify({ content: { cells, nbformat: 4, nbformat_minor: 5 } });
    });
  }

  async *#chunks(path: string, textOf: (found: Shelved) => string) {
    this.streamed.push(path);
    const bytes = new TextEncoder().encode(textOf(await this.#answer(path)));
    for (let at = 0; at < bytes.length; at += 100_000) {
      this.#note(path, 0);
      expect(this.#held(), `beside ${path}`).toEqual([path]);
      yield bytes.subarray(at, at + 100_000);
      await Promise.resolve();
    }
  }

  async #answer(path: string): Promise<Shelved> {
    const error = this.errors.get(path);
    if (error !== undefined) throw error;
    return this.notebooks.get(path) ?? { text: "" };
  }

  #note(path: string, bytes: number): void {
    this.#asked.set(path, bytes);
    const held = this.#held();
    const sum = held.reduce((before, one) => before + (this.#asked.get(one) ?? 0), 0);
    this.mostBytes = Math.max(this.mostBytes, sum);
    this.mostNotebooks = Math.max(this.mostNotebooks, held.length);
  }

  /** What was asked for and is not stored yet. */
  #held(): string[] {
    const reading = this.#sql
      .exec<{ path: string }>("SELECT path FROM notebooks WHERE state LIKE 'reading%'")
      .toArray()
      .map(({ path }) => path);
    for (const path of this.#asked.keys())
      if (!reading.includes(path)) this.#asked.delete(path);
    return [...this.#asked.keys()];
  }
}

function cellOf(source: string) {
  return { cell_type: "markdown", id: "c0", metadata: {}, source };
}

/** A notebook with a word, of about so many bytes. */
function notebookOf(word: string, bytes: number): Shelved {
  const padding = "x".repeat(bytes);
  const notebook = { cells: [cellOf(word)], metadata: { padding }, nbformat: 4 };
  return { text: JSON.stringify({ ...notebook, nbformat_minor: 5 }) };
}

async function withIndexer(
  work: (parts: { index: SearchIndex; shelf: Shelf; indexer: Indexer }) => Promise<void>,
): Promise<void> {
  const stub = env.WORKSPACE.getByName(crypto.randomUUID());
  await runInDurableObject(stub, async (_instance, { storage }) => {
    const index = new SearchIndex(new VersionedStorage(storage, WORKSPACE_SCHEMA));
    const shelf = new Shelf(storage.sql);
    await work({ index, shelf, indexer: new Indexer(index, shelf, new RunWatch()) });
  });
}

function foundIn(index: SearchIndex, word: string): string[] {
  const { hits } = index.find(parseQuery(word), ALL, null);
  return hits.map(({ path }) => path).toSorted();
}

test("notebooks are fetched several at a time, and never more bytes of them than may be held", async () => {
  await withIndexer(async ({ index, shelf, indexer }) => {
    for (let number = 0; number < 40; number += 1) {
      shelf.notebooks.set(`small${number}`, notebookOf("marker", 20_000 * number));
      shelf.notebooks.set(`unknown${number}`, {
        ...notebookOf("marker", 3_000 * number),
        listedSize: 0,
      });
    }
    await indexer.list();
    for (let number = 0; number < 12; number += 1) index.noteChange(`small${number}`);
    const reading = Array.from({ length: 3 }, () => indexer.read(Infinity));
    await Promise.all([...reading, indexer.read(Infinity, true)]);
    expect(index.state()).toMatchObject({ total: 80, indexed: 80 });
    expect(foundIn(index, "marker")).toHaveLength(80);
    expect(shelf.mostBytes).toBeLessThanOrEqual(MAX_HELD_BYTES);
    expect(shelf.mostBytes).toBeGreaterThan(MAX_HELD_BYTES / 2);
    expect(shelf.mostNotebooks).toBeGreaterThan(6);
    expect(shelf.streamed).toEqual([]);
  });
});

test("a notebook that is large, has grown or is of an older format is read while no other one is held", async () => {
  await withIndexer(async ({ index, shelf, indexer }) => {
    for (let number = 0; number < 30; number += 1)
      shelf.notebooks.set(`a${number}`, notebookOf("marker", 10_000 * number));
    shelf.notebooks.set("large1", notebookOf("large_marker", 1_500_000));
    shelf.notebooks.set("large2", notebookOf("large_marker", 5_000_000));
    shelf.notebooks.set("grown", {
      ...notebookOf("grown_marker", 500_000),
      listedSize: 9,
    });
    shelf.notebooks.set("unknown", {
      ...notebookOf("unknown_marker", 400_000),
      listedSize: 0,
    });
    const old = { nbformat: 3, worksheets: [], source: "old_marker" };
    shelf.notebooks.set("old", { text: JSON.stringify(old) });
    await indexer.list();
    for (const path of ["large1", "grown", "a3", "a4"]) index.noteChange(path);
    // Each chunk of a stream looks at what else is held.
    await Promise.all([indexer.read(Infinity), indexer.read(Infinity, true)]);
    expect(index.state()).toMatchObject({ total: 35, indexed: 35 });
    expect(foundIn(index, "large_marker")).toEqual(["large1", "large2"]);
    for (const path of ["grown", "unknown", "old"])
      expect(foundIn(index, `${path}_marker`)).toEqual([path]);
    expect(new Set(shelf.streamed)).toEqual(
      new Set(["large1", "large2", "grown", "unknown", "old"]),
    );
    expect(shelf.mostBytes).toBeLessThanOrEqual(MAX_HELD_BYTES);
  });
});

test("what stops the reading leaves the rest to the next time, whatever it was", async () => {
  await withIndexer(async ({ index, shelf, indexer }) => {
    for (let number = 0; number < 60; number += 1)
      shelf.notebooks.set(`n${number}`, notebookOf("marker", 300_000));
    await indexer.list();
    const down = { code: "jupyter_unreachable", host: "h", reason: "network" } as const;
    const bugs = [
      new TypeError("a bug"),
      new TypeError("another"),
      new TypeError("third"),
    ];
    for (const error of [new ExpectedError(down), ...bugs]) {
      for (let number = 20; number < 60; number += 1)
        shelf.errors.set(`n${number}`, error);
      await expect(indexer.read(Infinity)).rejects.toBe(error);
      expect(index.state().indexed).toBeGreaterThan(10);
      expect(index.state().indexed).toBeLessThanOrEqual(20);
      index.forgetReading();
    }
    shelf.errors.clear();
    await indexer.read(Infinity);
    expect(index.state()).toMatchObject({ total: 60, indexed: 60 });
  });
});

test("what another attempt may mend is tried three times, and a broken notebook once", async () => {
  await withIndexer(async ({ index, shelf, indexer }) => {
    shelf.notebooks.set("good", notebookOf("marker", 10));
    shelf.notebooks.set("broken", { text: "{" });
    shelf.notebooks.set("failing", notebookOf("marker", 10));
    const fault = { code: "jupyter_error", host: "h", status: 500, detail: "" } as const;
    shelf.errors.set("failing", new ExpectedError(fault));
    await indexer.list();
    await indexer.read(Infinity);
    expect(index.state()).toMatchObject({ total: 3, indexed: 1, unreadable: 2 });
    expect(foundIn(index, "marker")).toEqual(["good"]);
  });
});

test("a large notebook whose reading ends the object three times is left out, and the others are read", async () => {
  await withIndexer(async ({ index, shelf, indexer }) => {
    shelf.notebooks.set("poison", notebookOf("marker", 2_000_000));
    shelf.notebooks.set("good", notebookOf("marker", 10));
    await indexer.list();
    for (let crash = 1; crash <= 3; crash += 1) {
      const { promise: crashed, resolve } = Promise.withResolvers<void>();
      shelf.crashing.set("poison", resolve);
      void new Indexer(index, shelf, new RunWatch()).read(Infinity);
      await crashed;
      expect(index.state().unreadable).toBe(0);
      // As the object does when it comes back.
      index.forgetReading();
    }
    await new Indexer(index, shelf, new RunWatch()).read(Infinity);
    expect(index.state()).toMatchObject({ total: 2, indexed: 1, unreadable: 1 });
    expect(foundIn(index, "marker")).toEqual(["good"]);
  });
});
