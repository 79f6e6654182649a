/**
 * The index of all notebooks of a workspace, in the SQLite of its object: the
 * texts of cells, a trigram index over them (FTS5), and which notebooks are
 * still to be read. Reads and writes are synchronous, as the storage is.
 *
 * @see https://www.sqlite.org/fts5.html#the_trigram_tokenizer
 */

import type { SearchableNotebook, TextKind } from "./text.ts";
import { ftsExpression, type Query } from "./query.ts";
import { tableExists, type Sql, type VersionedStorage } from "../versioned-storage.ts";

/** A notebook as a listing of the server has it. */
export interface ListedNotebook {
  readonly path: string;
  readonly modified: string;
  /** In bytes; 0 where it is not known. */
  readonly size: number;
}

/** What a search is narrowed to. */
export interface SearchFilter {
  readonly kinds: readonly TextKind[];
  readonly language: string | null;
  /** Null for every path. */
  readonly matchesPath: ((path: string) => boolean) | null;
}

/** A text that has what was asked for. */
export interface Hit {
  readonly path: string;
  readonly cellId: string;
  /** Of the cell in its notebook, from 0. */
  readonly position: number;
  readonly kind: TextKind;
  readonly text: string;
  readonly score: number;
}

/** Hits of a part of the index, the best first. */
export interface Found {
  readonly hits: readonly Hit[];
  /** Where the next part begins; null where all was looked at. */
  readonly next: number | null;
}

/** How far the index is. */
export interface IndexState {
  /** Notebooks that are known, and those of them that are in the index as they are. */
  readonly total: number;
  readonly indexed: number;
  /** Notebooks that cannot be read. */
  readonly unreadable: number;
  /** When the server was last listed, in milliseconds since 1970, and how long that took; null before the first time. */
  readonly listedAt: number | null;
  readonly listingMs: number;
  /** Whether a listing left something out. */
  readonly isPartial: boolean;
}

const SCHEMA = [
  `CREATE TABLE IF NOT EXISTS notebooks (
    id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, modified TEXT NOT NULL, size INTEGER NOT NULL,
    language TEXT NOT NULL DEFAULT '', state TEXT NOT NULL DEFAULT 'pending', failures INTEGER NOT NULL DEFAULT 0
  )`,
  "CREATE INDEX IF NOT EXISTS notebooks_by_turn ON notebooks (state, failures)",
  `CREATE TABLE IF NOT EXISTS texts (
    id INTEGER PRIMARY KEY AUTOINCREMENT, notebook INTEGER NOT NULL, cell_id TEXT NOT NULL,
    position INTEGER NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL
  )`,
  "CREATE INDEX IF NOT EXISTS texts_by_notebook ON texts (notebook)",
  `CREATE VIRTUAL TABLE IF NOT EXISTS trigrams USING fts5(
    text, tokenize='trigram', content='', contentless_delete=1
  )`,
  // Fewer merges: the index is built sooner, and a search takes no longer.
  "INSERT INTO trigrams (trigrams, rank) VALUES ('automerge', 16)",
  `CREATE TABLE IF NOT EXISTS listings (
    only INTEGER PRIMARY KEY CHECK (only = 1), at INTEGER NOT NULL, took_ms INTEGER NOT NULL, partial INTEGER NOT NULL
  )`,
];

/**
 * Brings the tables of any earlier version up to date. Notebooks are read again,
 * because cells without an id once had others here.
 */
export function upgradeIndex(sql: Sql): void {
  if (!tableExists(sql, "notebooks")) return;
  for (const statement of SCHEMA) sql.exec(statement);
  sql.exec("DROP INDEX IF EXISTS notebooks_by_state");
  sql.exec("UPDATE notebooks SET state = 'pending' WHERE state = 'indexed'");
}

/** Hits that are ranked together; a reader pages through them, and then through the next. */
const BLOCK_HITS = 300;
/** Characters that one search looks at by itself: what the index has narrowed down costs no more. */
const MAX_LOOKED_CHARS = 20_000_000;
/** Naming the texts of more would take longer than reading them. */
const MAX_LISTED_NOTEBOOKS = 1_000;
const MAX_FAILURES = 3;

const WEIGHTS: Readonly<Record<TextKind, number>> = {
  source: 3,
  markdown: 2,
  outputs: 0,
};
const MAX_COUNTED = 5;

/** A search reads thousands of them: arrays, with nothing that only a hit needs. */
type CandidateRow = [id: number, notebook: number, text: string];

type PlaceRow = {
  id: number;
  path: string;
  cell_id: string;
  position: number;
  kind: TextKind;
};

/** See the head of this file. */
export class SearchIndex {
  readonly #sql: VersionedStorage;
  #hasSchema = false;

  constructor(sql: VersionedStorage) {
    this.#sql = sql;
  }

  /** Whether there is one. Asking writes nothing. */
  exists(): boolean {
    this.#hasSchema ||= tableExists(this.#sql, "listings");
    return this.#hasSchema;
  }

  /** Notes that the storage was emptied. */
  forgetSchema(): void {
    this.#hasSchema = false;
  }

  createSchema(): void {
    if (this.exists()) return;
    for (const statement of SCHEMA) this.#sql.create(statement);
    this.#hasSchema = true;
  }

  /** How far it is. */
  state(): IndexState {
    const nothing = { total: 0, indexed: 0, unreadable: 0, listedAt: null, listingMs: 0 };
    if (!this.exists()) return { ...nothing, isPartial: false };
    const counts = this.#sql
      .exec<{ total: number; indexed: number; unreadable: number }>(
        `SELECT count(*) AS total, coalesce(sum(state = 'indexed'), 0) AS indexed,
           coalesce(sum(state = 'unreadable'), 0) AS unreadable FROM notebooks`,
      )
      .one();
    const [listing] = this.#sql.exec<{ at: number; took_ms: number; partial: number }>(
      "SELECT at, took_ms, partial FROM listings",
    );
    return {
      ...counts,
      listedAt: listing?.at ?? null,
      listingMs: listing?.took_ms ?? 0,
      isPartial: listing?.partial === 1,
    };
  }

  /**
   * Takes in what the server has: new and changed notebooks are to be read, and
   * those that are gone leave.
   *
   * @param isUnknown whether a path lies where the listing did not look
   */
  takeListing(
    listed: readonly ListedNotebook[],
    isUnknown: (path: string) => boolean,
    { at, tookMs, isPartial }: { at: number; tookMs: number; isPartial: boolean },
  ): void {
    this.createSchema();
    this.#sql.exec(
      `INSERT INTO notebooks (path, modified, size)
       SELECT json_extract(value, '$.path'), json_extract(value, '$.modified'), json_extract(value, '$.size')
       FROM json_each(?) WHERE true
       ON CONFLICT (path) DO UPDATE SET modified = excluded.modified, size = excluded.size,
         state = 'pending', failures = 0
       WHERE modified <> excluded.modified OR size <> excluded.size`,
      JSON.stringify(listed),
    );
    const there = new Set(listed.map(({ path }) => path));
    for (const { path } of this.#sql
      .exec<{ path: string }>("SELECT path FROM notebooks")
      .toArray())
      if (!there.has(path) && !isUnknown(path)) this.remove(path);
    this.#sql.exec(
      "INSERT OR REPLACE INTO listings VALUES (1, ?, ?, ?)",
      at,
      tookMs,
      isPartial ? 1 : 0,
    );
  }

  /** Notes that a notebook was written, and may be new. It is read before others. */
  noteChange(path: string): void {
    if (!this.exists()) return;
    this.#sql.exec(
      `INSERT INTO notebooks (path, modified, size, state) VALUES (?, '', 0, 'changed')
       ON CONFLICT (path) DO UPDATE SET state = 'changed', modified = '', size = 0, failures = 0`,
      path,
    );
  }

  /** Notes that a file, or a folder with all that is in it, has another path. */
  move(from: string, to: string): void {
    if (!this.exists()) return;
    const below = `${from}/`;
    const moved = this.#sql
      .exec<{ path: string }>(
        "SELECT path FROM notebooks WHERE path = ? OR substr(path, 1, ?) = ?",
        from,
        below.length,
        below,
      )
      .toArray();
    for (const { path } of moved) {
      const now = to + path.slice(from.length);
      this.remove(now);
      this.#sql.exec("UPDATE notebooks SET path = ? WHERE path = ?", now, path);
    }
  }

  /** Takes a notebook out. */
  remove(path: string): void {
    if (!this.exists()) return;
    const [row] = this.#sql.exec<{ id: number }>(
      "DELETE FROM notebooks WHERE path = ? RETURNING id",
      path,
    );
    if (row !== undefined) this.#removeTexts(row.id);
  }

  /** The next notebooks to be read, those first that were written here. */
  pending(limit: number, isOnlyChanged = false): { path: string; size: number }[] {
    if (!this.exists()) return [];
    const changed = this.#inState("changed", limit);
    if (isOnlyChanged || changed.length === limit) return changed;
    return [...changed, ...this.#inState("pending", limit - changed.length)];
  }

  /** Of one state at a time, the index has the order: thousands are not sorted for twelve. */
  #inState(state: string, limit: number): { path: string; size: number }[] {
    return this.#sql
      .exec<{ path: string; size: number }>(
        "SELECT path, size FROM notebooks WHERE state = ? ORDER BY failures, id LIMIT ?",
        state,
        limit,
      )
      .toArray();
  }

  /**
   * Notes that notebooks are being read: a change from now on makes one be read
   * again.
   *
   * @param isLarge whether it is one that reading might end the object for
   */
  beginReading(paths: readonly string[], isLarge = false): void {
    this.#sql.exec(
      "UPDATE notebooks SET state = ? WHERE path IN (SELECT value FROM json_each(?))",
      isLarge ? "reading large" : "reading",
      JSON.stringify(paths),
    );
  }

  /** Notes that a notebook has to be read again, and in another way. */
  postpone(path: string, isChanged: boolean): void {
    this.#sql.exec(
      "UPDATE notebooks SET state = ? WHERE path = ? AND state = 'reading'",
      isChanged ? "changed" : "pending",
      path,
    );
  }

  /** Notes that nobody reads any more: what a crash left is to be read again, unless a large notebook may be why. */
  forgetReading(): void {
    if (!this.exists()) return;
    this.#sql.exec("UPDATE notebooks SET state = 'pending' WHERE state = 'reading'");
    const left = this.#sql.exec<{ path: string }>(
      "UPDATE notebooks SET state = 'pending' WHERE state = 'reading large' RETURNING path",
    );
    for (const { path } of left.toArray()) this.fail(path, false);
  }

  /** Puts what was read of a notebook in the place of what was known of it. */
  put(path: string, { language, texts }: SearchableNotebook): void {
    const [row] = this.#sql.exec<{ id: number }>(
      `UPDATE notebooks SET state = CASE WHEN state LIKE 'reading%' THEN 'indexed' ELSE state END,
         language = ?, failures = 0 WHERE path = ? RETURNING id`,
      language,
      path,
    );
    // Deleted while it was read.
    if (row === undefined) return;
    this.#removeTexts(row.id);
    for (const part of parts(texts)) {
      const json = JSON.stringify(part);
      this.#sql.exec(
        `INSERT INTO texts (notebook, cell_id, position, kind, text)
         SELECT ?, json_extract(value, '$.cellId'), json_extract(value, '$.position'),
           json_extract(value, '$.kind'), json_extract(value, '$.text') FROM json_each(?)`,
        row.id,
        json,
      );
    }
    this.#sql.exec(
      "INSERT INTO trigrams (rowid, text) SELECT id, text FROM texts WHERE notebook = ?",
      row.id,
    );
  }

  /** Notes that a notebook could not be read. What was known of it leaves; `isFinal` for what another attempt would not mend. */
  fail(path: string, isFinal: boolean): void {
    const [row] = this.#sql.exec<{ id: number; failures: number }>(
      `UPDATE notebooks SET failures = failures + 1,
         state = CASE WHEN state LIKE 'reading%' THEN 'pending' ELSE state END
       WHERE path = ? RETURNING id, failures`,
      path,
    );
    if (row === undefined) return;
    if (!isFinal && row.failures < MAX_FAILURES) return;
    this.#removeTexts(row.id);
    this.#sql.exec("UPDATE notebooks SET state = 'unreadable' WHERE id = ?", row.id);
  }

  /**
   * Finds texts, newest in the index first, and ranks them: code before text
   * before outputs, what stands alone before parts of words, many before few.
   *
   * @param before where to go on: {@link Found.next}
   */
  find(query: Query, filter: SearchFilter, before: number | null): Found {
    if (!this.exists()) return { hits: [], next: null };
    const notebooks = this.#notebooksOf(filter);
    if (notebooks?.size === 0) return { hits: [], next: null };
    const found = new Map<number, string>();
    let chars = 0;
    let next: number | null = null;
    for (const [id, notebook, text] of this.#candidates(
      query,
      filter.kinds,
      notebooks,
      before ?? Number.MAX_SAFE_INTEGER,
    )) {
      if (notebooks?.has(notebook) === false) continue;
      chars += text.length;
      if (query.matches(text)) found.set(id, text);
      if (chars > MAX_LOOKED_CHARS || found.size >= BLOCK_HITS) {
        next = id;
        break;
      }
    }
    return { hits: this.#ranked(found, query), next };
  }

  /** Ids of the notebooks that a filter leaves; null for all. */
  #notebooksOf({ language, matchesPath }: SearchFilter): ReadonlySet<number> | null {
    if (language === null && matchesPath === null) return null;
    const rows = this.#sql
      .exec("SELECT id, path FROM notebooks WHERE ? IN ('', language)", language ?? "")
      .raw<[id: number, path: string]>();
    const wanted = new Set<number>();
    for (const [id, path] of rows) if (matchesPath?.(path) !== false) wanted.add(id);
    return wanted;
  }

  #candidates(
    { literals }: Query,
    kinds: readonly TextKind[],
    notebooks: ReadonlySet<number> | null,
    before: number,
  ): Iterable<CandidateRow> {
    const columns = "t.id, t.notebook, t.text";
    let where = "t.kind IN (SELECT value FROM json_each(?))";
    const values = [before, JSON.stringify(kinds)];
    if (notebooks !== null && notebooks.size <= MAX_LISTED_NOTEBOOKS) {
      // Other texts are passed over without being read.
      const of =
        "SELECT id FROM texts WHERE notebook IN (SELECT value FROM json_each(?))";
      where +=
        literals.length === 0 ? ` AND t.id IN (${of})` : ` AND +i.rowid IN (${of})`;
      values.push(JSON.stringify([...notebooks]));
    }
    if (literals.length === 0)
      return this.#sql
        .exec(
          `SELECT ${columns} FROM texts t WHERE t.id < ? AND ${where} ORDER BY t.id DESC`,
          ...values,
        )
        .raw<CandidateRow>();
    return this.#sql
      .exec(
        `SELECT ${columns} FROM trigrams i CROSS JOIN texts t ON t.id = i.rowid
         WHERE i.trigrams MATCH ? AND i.rowid < ? AND ${where} ORDER BY i.rowid DESC`,
        ftsExpression(literals),
        ...values,
      )
      .raw<CandidateRow>();
  }

  #ranked(found: ReadonlyMap<number, string>, query: Query): Hit[] {
    const places = this.#sql.exec<PlaceRow>(
      `SELECT t.id, n.path, t.cell_id, t.position, t.kind
       FROM json_each(?) CROSS JOIN texts t ON t.id = value CROSS JOIN notebooks n ON n.id = t.notebook`,
      JSON.stringify([...found.keys()]),
    );
    return Array.from(places, ({ id, path, cell_id, position, kind }) => {
      const text = found.get(id) ?? "";
      const score = scoreOf(kind, text, query);
      return { id, hit: { path, cellId: cell_id, position, kind, text, score } };
    })
      .toSorted((a, b) => b.hit.score - a.hit.score || b.id - a.id)
      .map(({ hit }) => hit);
  }

  #removeTexts(notebook: number): void {
    this.#sql.exec(
      "DELETE FROM trigrams WHERE rowid IN (SELECT id FROM texts WHERE notebook = ?)",
      notebook,
    );
    this.#sql.exec("DELETE FROM texts WHERE notebook = ?", notebook);
  }
}

/** A value that is bound holds 2 MB. */
const MAX_PART_CHARS = 500_000;

function* parts<T extends { readonly text: string }>(
  texts: readonly T[],
): Generator<T[]> {
  let part: T[] = [];
  let chars = 0;
  for (const text of texts) {
    if (chars + text.text.length > MAX_PART_CHARS && part.length > 0) {
      yield part;
      part = [];
      chars = 0;
    }
    part.push(text);
    chars += text.text.length;
  }
  if (part.length > 0) yield part;
}

function scoreOf(kind: TextKind, text: string, query: Query): number {
  let lines = 0;
  for (const line of text.split("\n", 500)) {
    if (query.indexIn(line) !== -1) lines += 1;
    if (lines === MAX_COUNTED) break;
  }
  return WEIGHTS[kind] * 10 + (query.hasWhole(text) ? 10 : 0) + lines;
}
