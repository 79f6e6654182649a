import { expect, test } from "vitest";
import { readLines, textOf, type LinesWanted } from "../../../src/output/file-text.ts";

const WANTED: LinesWanted = {
  startLine: 1,
  lineCount: 100,
  maxChars: 10_000,
  maxBytes: 1e9,
  isTimeUp: () => false,
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
  expect(far).toMatchObject({
    lines: [],
    nextLine: null,
    givenUp: { lines: 200_000, bytes: 1_000_000 },
  });
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
  expect(await read("")).toMatchObject({ lines: [], totalLines: 0 });
  expect(await read("\uFEFFa")).toMatchObject({ lines: ["a"] });
});

test("bytes that are not UTF-8 are read as Windows-1252 where they are likely to be text", async () => {
  const latin = new Uint8Array([0x63, 0x61, 0x66, 0xe9, 0x0a, 0x80]);
  expect(await read(latin)).toMatchObject({
    encoding: "windows-1252",
    lines: ["café", "€"],
    isDamaged: false,
  });
  const noise = Uint8Array.from({ length: 256 }, (_, index) => ((index * 97) % 255) + 1);
  expect(await read(noise)).toMatchObject({ kind: "binary" });
});

test("a character that is cut in two where the first look at a file ends is still UTF-8", async () => {
  const text = `${"a".repeat(8_191)}é\nb`;
  expect(await read(text, { maxChars: 20_000 }, 8_192)).toMatchObject({
    encoding: "utf-8",
    nextLine: null,
    totalLines: 2,
  });
});

test("bytes of no character, far into a file, are told of where they are shown", async () => {
  const head = new TextEncoder().encode("line\n".repeat(4_000));
  const bytes = new Uint8Array(head.byteLength + 1);
  bytes.set(head);
  bytes[head.byteLength] = 0xe9;
  const first = await read(bytes, {}, 1_000);
  expect(first).toMatchObject({ isDamaged: false });
  const last = await read(bytes, { startLine: 4_001 }, 1_000);
  expect(last).toMatchObject({ lines: ["\uFFFD"], isDamaged: true, encoding: "utf-8" });
});

test("control characters and line separators are shown as escapes, a tab as it is", async () => {
  expect(await read("a\tb\u001b[31mc\rd\u2028e\r\n")).toMatchObject({
    lines: ["a\tb\\u001b[31mc\\u000dd\\u2028e"],
  });
});

test("a line that is asked for alone has the whole budget", async () => {
  const text = `${"x".repeat(5_000)}\nnext`;
  expect(await read(text, { lineCount: 1 }, 1_000)).toMatchObject({
    lines: ["x".repeat(5_000)],
    nextLine: 2,
  });
});

test("a line without end is shown as far as it fits, and reading is given up", async () => {
  const text = "x".repeat(100_000);
  expect(await read(text, { maxBytes: 50_000 }, 10_000)).toMatchObject({
    lines: [`${"x".repeat(2_000)} [… 48000+ more characters]`],
    nextLine: null,
    givenUp: { bytes: 50_000 },
  });
});

test("reading is given up when its time is up", async () => {
  let pieces = 0;
  const slow = async function* (): AsyncGenerator<Uint8Array> {
    for (;;) {
      pieces += 1;
      yield new TextEncoder().encode("line\n");
    }
  };
  const wanted = { ...WANTED, startLine: 1e6, isTimeUp: () => pieces >= 7 };
  expect(await readLines(slow(), wanted)).toMatchObject({
    lines: [],
    givenUp: { lines: 7, bytes: 35 },
  });
});

test("a reading that ends with the last line asked for says whether there is more", async () => {
  expect(await read("a\nb\n", { lineCount: 2 })).toMatchObject({
    lines: ["a", "b"],
    nextLine: null,
    totalLines: 2,
  });
  expect(await read("a\nb\n\n", { lineCount: 2 })).toMatchObject({ nextLine: 3 });
  expect(await read("a\nb\nc", { lineCount: 2 })).toMatchObject({ nextLine: 3 });
});

test("a line of nothing but escapes keeps within its share too", async () => {
  const head = "text\n".repeat(2_000);
  const text = `${head}${"\u0000".repeat(3_000)}`;
  const page = await read(text, { startLine: 2_001, lineCount: 2 }, 1_000);
  expect(page).toMatchObject({
    lines: [`${"\\u0000".repeat(333)} [… 2667 more characters]`],
    totalLines: 2_001,
  });
});

function ofLatin(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

test("a whole file is text in its likeliest encoding, or none", () => {
  expect(textOf(new TextEncoder().encode("\uFEFFüñ\r\n"))).toBe("üñ\r\n");
  expect(textOf(ofLatin("\xff\xfeH\0i\0"))).toBe("Hi");
  expect(textOf(ofLatin("Gr\xfc\xdfe"))).toBe("Grüße");
  expect(textOf(new Uint8Array())).toBe("");
  // What comes late counts too: it is all there.
  expect(textOf(ofLatin(`${"a".repeat(20_000)}\0`))).toBeNull();
  expect(textOf(ofLatin(`${"a".repeat(20_000)}caf\xe9`))?.slice(-4)).toBe("café");
});
