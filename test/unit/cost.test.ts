import { expect, test } from "vitest";
import doc from "../../docs/cost.md?raw";
import {
  dollarsOf,
  formatTable,
  parseTables,
  PRICES,
  singleRunCost,
  type HourlyCounts,
} from "../../load/cost-model.ts";

const NOTHING: HourlyCounts = {
  "Worker requests": 0,
  "Worker CPU ms": 0,
  calls: 0,
  alarms: 0,
  messages: 0,
  "object-seconds": 0,
  "rows written": 0,
  "alarms set": 0,
  "rows read": 0,
};

function hour(name: string) {
  return parseTables(doc).find((line) => line.name === name);
}

function dollarsFor(name: string, hours: number): string {
  return `$${(hours * Number(hour(name)?.dollars)).toFixed(2)}`;
}

function perMillion(price: number): string {
  return `$${(price * 1e6).toFixed(2)} per million`;
}

test("an object in memory costs 0.576 cents an hour, a million rows or alarms a dollar each", () => {
  expect(dollarsOf({ ...NOTHING, "object-seconds": 3_600 })).toBe("0.005760");
  expect(dollarsOf({ ...NOTHING, "rows written": 1_000_000 })).toBe("1.000000");
  expect(dollarsOf({ ...NOTHING, "alarms set": 1_000_000 })).toBe("1.000000");
  expect(dollarsOf({ ...NOTHING, messages: 20_000_000 })).toBe("0.150000");
});

test("a line's dollars are those of the counts that it shows", () => {
  const counts = { ...NOTHING, "rows written": 0.6, "alarms set": 0.6 };
  const [line] = parseTables(formatTable([{ name: "some", counts }]));
  expect(line?.dollars).toBe(dollarsOf(line?.counts ?? NOTHING));
  expect(line?.dollars).not.toBe(dollarsOf(counts));
});

test("the dollars in docs/cost.md are those that the formula makes of its counts", () => {
  const lines = parseTables(doc);
  expect(lines.map(({ name }) => name)).toEqual([
    "idle",
    "a run every five minutes",
    "chatty",
    "one long quiet run",
    "one noisy run",
  ]);
  for (const { counts, dollars } of lines) expect(dollars).toBe(dollarsOf(counts));
});

test("what docs/cost.md says elsewhere of these hours is what its table says", () => {
  const changed = Array.from(
    doc.matchAll(/^\| ([a-z ]+?) +\| \$\d\.\d+ +\| \$(\d\.\d+)/gm),
  );
  expect(changed.length).toBe(3);
  for (const [, name = "", after] of changed) expect(after).toBe(hour(name)?.dollars);
  expect(doc).toContain(
    `A month of 160 hours like the chatty one is ${dollarsFor("chatty", 160)}.`,
  );
  expect(doc).toContain(
    `is ${dollarsFor("one long quiet run", 720)} a month if it is quiet.`,
  );
});

test("docs/cost.md says what an idle conversation costs: nothing", () => {
  expect(hour("idle")?.counts).toEqual(NOTHING);
});

test("the price of a single run by its linger in docs/cost.md is that of the formula", () => {
  const { counts = NOTHING } = hour("a run every five minutes") ?? {};
  const rows = Array.from(doc.matchAll(/^\| (\d+) +\| ([\d.]+) +\|$/gm));
  expect(rows.length).toBe(4);
  for (const [, seconds, dollars] of rows)
    expect(dollars).toBe((1_000 * singleRunCost(counts, Number(seconds))).toFixed(4));
});

test("the prices in the formula of docs/cost.md are those that are calculated with", () => {
  for (const price of [
    PRICES.workerRequest,
    PRICES.workerCpuMs,
    PRICES.objectRequest,
    PRICES.gigabyteSecond,
    PRICES.rowWritten,
  ])
    expect(doc).toContain(perMillion(price));
  expect(doc).toContain(`$${(PRICES.rowRead * 1e6).toFixed(3)} per million`);
  expect(doc).toContain(`$${PRICES.gigabyteMonth.toFixed(2)} a month`);
});
