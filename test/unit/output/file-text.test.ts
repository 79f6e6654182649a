import { expect, test } from "vitest";
import { readLines, type LinesWanted } from "../../../src/output/file-text.ts";

const WANTED: LinesWanted = {
  startLine: 1,
  lineCount: 100,
  maxChars: 10_000,
  maxBytes: 1e9,
};

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size);
}

function read(text: string | Uint8Array, wanted: Partial<LinesWanted> = {}, size = 3) {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  return readLines(inPieces(bytes, size), { ...WANTED, ...wanted });
}

test("lines are read whatever the pieces that they arrive in", async () => {
  const text = "één\r\ntwo\n\nvier";
  for (const size of [1, 2, 5, 100]) {
    expect(await read(text, {}, size)).toMatchObject({
      lines: ["één", "two", "", "vier"],
      nextLine: null,
      totalLines: 4,
      isDamaged: false,
    });
  }
});

test("a reading begins where it is asked to, and says where the next one begins", async () => {
  const text = Array.from({ length: 50 }, (_, index) => `line ${index + 1}`).join("\n");
  const page = await read(text, { startLine: 11, lineCount: 5 });
  expect(page).toMatchObject({
    lines: ["line 11", "line 12", "line 13", "line 14", "line 15"],
    nextLine: 16,
  });
  expect(await read(text, { startLine: 46 })).toMatchObject({
    nextLine: null,
    totalLines: 50,
  });
  expect(await read(text, { startLine: 99 })).toMatchObject({
    lines: [],
    totalLines: 50,
  });
});

test("no more of a file is read than is needed", async () => {
  let given = 0;
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) {
      given += 1;
      yield new TextEncoder().encode("line\n".repeat(10_000));
    }
  }
  expect(await readLines(endless(), WANTED)).toMatchObject({ nextLine: 101 });
  expect(given).toBe(1);
  const far = await readLines(endless(), { ...WANTED, startLine: 1e9, maxBytes: 1e6 });
  expect(far).toMatchObject({ lines: [], isTooFar: true });
});

test("a long line is cut and says by how much", async () => {
  const cut = await read(`${"x".repeat(5_000)}\nnext`, {}, 1_000);
  expect(cut).toMatchObject({
    lines: [`${"x".repeat(2_000)} [… 3000 more characters]`, "next"],
  });
});

test("a page ends within its budget", async () => {
  const page = await read("1234567890\n".repeat(50), { maxChars: 55 });
  expect(page).toMatchObject({ lines: Array(5).fill("1234567890"), nextLine: 6 });
});

test("what is no text is told from what is", async () => {
  expect(await read(new Uint8Array([1, 0, 2]))).toMatchObject({ kind: "binary" });
  const utf16 = new Uint8Array([0xff, 0xfe, 0x61, 0, 0x0a, 0, 0x62, 0]);
  expect(await read(utf16)).toMatchObject({ kind: "text", lines: ["a", "b"] });
  expect(await read(new Uint8Array([0x61, 0xe9, 0x62]))).toMatchObject({
    isDamaged: true,
  });
  expect(await read("")).toMatchObject({ lines: [], totalLines: 0 });
  expect(await read("\uFEFFa")).toMatchObject({ lines: ["a"] });
});
