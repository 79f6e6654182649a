import { expect, test } from "vitest";
import { HeadTail, type Omitted } from "../../../src/output/budget.ts";

const describe = ({ chars, lines, after }: Omitted) =>
  `[${chars} characters, ${lines} lines; after: ${after}]`;

test("text within the budget stays as it is", () => {
  const budget = new HeadTail(10, describe);
  budget.add("12345", 1);
  budget.add("67890", 2);
  expect(budget.finish()).toEqual({ text: "1234567890", omitted: null });
});

test("the middle is replaced by a line that says what is missing", () => {
  const budget = new HeadTail(100, describe);
  for (let position = 1; position <= 50; position++)
    budget.add(`line ${position}\n`, position);
  expect(budget.finish()).toEqual({
    text: [
      "line 1\nline 2\nline 3\nline 4",
      "[331 characters, 42 lines; after: 4]",
      "line 47\nline 48\nline 49\nline 50\n",
    ].join("\n"),
    omitted: { chars: 331, lines: 42, after: 4 },
  });
});

test("one large piece keeps its head and its tail", () => {
  const budget = new HeadTail(100, describe);
  budget.add(`start${"x".repeat(1_000)}end`, 7);
  const { text, omitted } = budget.finish();
  expect(text).toMatch(/^startx+\n\[\d+ characters, 0 lines; after: 6\]\nx+end$/);
  expect(omitted).toMatchObject({ lines: 0, after: 6 });
});

test("what is shown and what is omitted add up, and the budget holds", () => {
  for (const maxChars of [0, 1, 10, 40, 41, 60, 99, 100, 333]) {
    for (const piece of ["a", "word\n", "😀", "😀😀\n", `${"long".repeat(30)}\n`, "\n"]) {
      for (const count of [1, 7, 50, 500]) {
        const budget = new HeadTail(maxChars, describe);
        for (let position = 1; position <= count; position++) budget.add(piece, position);
        const { text, omitted } = budget.finish();
        expect(text.length).toBeLessThanOrEqual(maxChars);
        expect(text).toBe(text.toWellFormed());
        if (omitted === null) {
          expect(text).toBe(piece.repeat(count));
        } else if (maxChars >= 60) {
          const [before = "", after = ""] = text.split(`${describe(omitted)}\n`);
          const kept = before.length + after.length;
          const madeNewline = kept + omitted.chars - piece.length * count;
          expect([0, 1]).toContain(madeNewline);
          expect(after.length).toBeGreaterThan(0);
        }
      }
    }
  }
});

test("reading on after the position that is given shows the missing part from its start", () => {
  const budget = new HeadTail(100, describe);
  for (let position = 1; position <= 100; position++)
    budget.add(`${position}\n`, position);
  const { text, omitted } = budget.finish();
  const head = text.slice(0, text.indexOf("["));
  expect(head.trimEnd().split("\n").at(-1)).toBe(String(omitted?.after));
});

test("a piece can be replaced where it stands", () => {
  const budget = new HeadTail(100, describe);
  const first = budget.add("10%\n", 1);
  budget.add("more\n", 2);
  budget.replace(first, "100%\n");
  expect(budget.finish().text).toBe("100%\nmore\n");
});

test("replacing a piece that was dropped changes nothing", () => {
  const budget = new HeadTail(60, describe);
  const handles = Array.from({ length: 40 }, (_, index) =>
    budget.add(`line ${index}\n`, index + 1),
  );
  const dropped = handles[20];
  if (dropped !== undefined) budget.replace(dropped, "REPLACED\n");
  const { text, omitted } = budget.finish();
  expect(text).not.toContain("REPLACED");
  expect(text.length + (omitted?.chars ?? 0)).toBeGreaterThan(300);
});

test("replacing a large piece by a small one takes back what was omitted of it", () => {
  const budget = new HeadTail(100, describe);
  budget.add("before\n", 1);
  const piece = budget.add("x\n".repeat(1_000), 2);
  budget.add("after\n", 3);
  budget.replace(piece, "small\n");
  expect(budget.finish()).toEqual({ text: "before\nsmall\nafter\n", omitted: null });
});

test("replacing a small piece by a large one keeps the budget", () => {
  const budget = new HeadTail(100, describe);
  const piece = budget.add("small\n", 1);
  budget.add("after\n", 2);
  budget.replace(piece, "x\n".repeat(1_000));
  const { text, omitted } = budget.finish();
  expect(text).toMatch(/after\n$/);
  expect(text.length).toBeLessThanOrEqual(100);
  expect(omitted?.after).toBe(0);
});

test("clearing forgets the text, what was omitted, and the pieces", () => {
  const budget = new HeadTail(60, describe);
  const piece = budget.add("x".repeat(1_000), 1);
  budget.clear();
  budget.add("new", 2);
  budget.replace(piece, "old");
  expect(budget.finish()).toEqual({ text: "new", omitted: null });
});
