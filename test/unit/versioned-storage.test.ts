import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { ExpectedError } from "../../src/errors.ts";
import {
  tableExists,
  VersionedStorage,
  type Schema,
} from "../../src/versioned-storage.ts";

const FIRST: Schema = {
  version: 1,
  versionTable: "schema_version",
  migrate: () => undefined,
};

/** The second version of a table `notes`, whose upgrade takes two steps. */
const SECOND: Schema = {
  version: 2,
  versionTable: "schema_version",
  migrate(sql) {
    sql.exec("ALTER TABLE notes ADD COLUMN author TEXT NOT NULL DEFAULT ''");
    sql.exec("UPDATE notes SET author = 'Ada'");
  },
};

const CREATE = "CREATE TABLE IF NOT EXISTS notes (text TEXT NOT NULL)";

async function withStorage(work: (storage: DurableObjectStorage) => unknown) {
  const stub = env.WORKSPACE.getByName(crypto.randomUUID());
  await runInDurableObject(stub, async (_instance, { storage }) => {
    await work(storage);
  });
}

/** Keeps a note as the first version does. */
function keepNote(storage: DurableObjectStorage): void {
  const first = new VersionedStorage(storage, FIRST);
  first.create(CREATE);
  first.exec("INSERT INTO notes VALUES ('a note')");
}

function versionIn(storage: DurableObjectStorage) {
  return storage.sql.exec("SELECT version FROM schema_version").one()["version"];
}

test("looking into an empty storage writes nothing, and its first table comes with the version", async () => {
  await withStorage((storage) => {
    const opened = new VersionedStorage(storage, SECOND);
    expect(tableExists(opened, "notes")).toBe(false);
    expect(tableExists(storage.sql, "schema_version")).toBe(false);
    opened.create(CREATE);
    expect(versionIn(storage)).toBe(2);
  });
});

test("tables of an earlier version, or from before versions were kept, are upgraded once", async () => {
  for (const isVersioned of [true, false])
    await withStorage((storage) => {
      keepNote(storage);
      if (!isVersioned) storage.sql.exec("DROP TABLE schema_version");
      for (let opening = 0; opening < 2; opening += 1)
        expect(
          new VersionedStorage(storage, SECOND).exec("SELECT * FROM notes").one(),
        ).toEqual({ text: "a note", author: "Ada" });
      expect(versionIn(storage)).toBe(2);
    });
});

test("an upgrade that fails between its steps changes nothing, and is made by the next who comes", async () => {
  await withStorage((storage) => {
    keepNote(storage);
    const failing: Schema = {
      ...SECOND,
      migrate(sql, from) {
        SECOND.migrate(sql, from);
        throw new Error("out of memory");
      },
    };
    const opened = new VersionedStorage(storage, failing);
    for (let attempt = 0; attempt < 2; attempt += 1)
      expect(() => opened.exec("SELECT 1")).toThrow("out of memory");
    expect(storage.sql.exec("SELECT * FROM notes").one()).toEqual({ text: "a note" });
    expect(versionIn(storage)).toBe(1);
    new VersionedStorage(storage, SECOND).open();
    expect(versionIn(storage)).toBe(2);
  });
});

test("tables of a newer version are neither read nor written", async () => {
  await withStorage((storage) => {
    new VersionedStorage(storage, SECOND).create(CREATE);
    const opened = new VersionedStorage(storage, FIRST);
    const refused = new ExpectedError({ code: "storage_newer" });
    expect(() => opened.exec("SELECT * FROM notes")).toThrow(refused);
    expect(() => opened.create(CREATE)).toThrow(refused);
    expect(() => opened.open()).toThrow(refused);
    expect(versionIn(storage)).toBe(2);
  });
});

test("a storage that was emptied is begun anew with its version", async () => {
  await withStorage(async (storage) => {
    const opened = new VersionedStorage(storage, SECOND);
    opened.create(CREATE);
    await opened.deleteAll();
    expect(tableExists(opened, "notes")).toBe(false);
    opened.create(CREATE);
    expect(versionIn(storage)).toBe(2);
  });
});
