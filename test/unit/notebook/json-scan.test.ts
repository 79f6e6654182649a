import { expect, test } from "vitest";
import { joinBytes } from "../../../src/jupyter/bytes.ts";
import {
  JsonScanner,
  JsonSyntaxError,
  type Decision,
  type JsonKind,
  type JsonPath,
} from "../../../src/notebook/json-scan.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

type Seen = [event: string, path: string, what: string | number];
type Decide = (path: JsonPath, kind: JsonKind) => Decision;

const where = (path: JsonPath) => JSON.stringify(path);

/** All that a handler is told, in order. */
function scanned(chunks: readonly Uint8Array[], decide: Decide): Seen[] {
  const seen: Seen[] = [];
  const scanner = new JsonScanner({
    begin(path, kind) {
      const decision = decide(path, kind);
      seen.push(["begin", where(path), `${kind} ${decision}`]);
      return decision;
    },
    take: (path, bytes) => seen.push(["take", where(path), decode(bytes)]),
    skip: (path, length) => seen.push(["skip", where(path), length]),
    end: (path) => seen.push(["end", where(path), ""]),
  });
  for (const chunk of chunks) scanner.push(chunk);
  scanner.finish();
  return seen;
}

const enterAll: Decide = (_path, kind) => (kind === "scalar" ? "take" : "enter");
const takeAll: Decide = () => "take";
const skipAll: Decide = () => "skip";

function bytewise(bytes: Uint8Array): Uint8Array[] {
  return Array.from(bytes, (byte) => Uint8Array.of(byte));
}

/** In one piece, cut in two at every byte, and byte by byte, it has to be the same. */
function scannedHoweverCut(text: string, decide: Decide): Seen[] {
  const bytes = encode(text);
  const whole = scanned([bytes], decide);
  for (let at = 0; at <= bytes.length; at += 1)
    expect(scanned([bytes.subarray(0, at), bytes.subarray(at)], decide)).toEqual(whole);
  expect(scanned(bytewise(bytes), decide)).toEqual(whole);
  return whole;
}

function taken(text: string, decide: Decide = enterAll): string[] {
  return scannedHoweverCut(text, decide)
    .filter(([event]) => event === "take")
    .map(([, path, what]) => `${path} ${what}`);
}

function failureOf(text: string, decide: Decide = enterAll): JsonSyntaxError {
  const bytes = encode(text);
  const failures = [[bytes], bytewise(bytes)].map((chunks) => {
    try {
      scanned(chunks, decide);
    } catch (error) {
      if (error instanceof JsonSyntaxError) return error;
      throw error;
    }
    throw new Error(`This was read as JSON: ${text}`);
  });
  const [whole, cut] = failures;
  expect([cut?.line, cut?.message]).toEqual([whole?.line, whole?.message]);
  if (whole === undefined) throw new Error("Nothing was read.");
  return whole;
}

/** mulberry32. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const SCALARS = [
  "0",
  "-1.50",
  "12345678901234567890",
  "1E+400",
  "NaN",
  "-Infinity",
  "true",
  "null",
  '""',
  '"\\""',
  String.raw`"\\"`,
  String.raw`"\\\"\\\\"`,
  String.raw`"{[\u0022,:]}"`,
  '"é🦊\u2028"',
];
const SPACES = ["", "", " ", "\n", "\r\n\t"];

function randomJson(random: () => number, depth: number): string {
  const one = (texts: readonly string[]) =>
    texts[Math.floor(random() * texts.length)] ?? "";
  const spaced = (text: string) => `${one(SPACES)}${text}${one(SPACES)}`;
  if (depth === 0 || random() < 0.3) return spaced(one(SCALARS));
  const parts = Array.from({ length: Math.floor(random() * 4) }, () =>
    randomJson(random, depth - 1),
  );
  if (random() < 0.5) return spaced(`[${one(SPACES)}${parts.join(",")}]`);
  const strings = SCALARS.filter((scalar) => scalar.startsWith('"'));
  const members = parts.map((part) => `${spaced(one(strings))}:${part}`);
  return spaced(`{${one(SPACES)}${members.join(",")}}`);
}

test("random documents are read the same wherever they are cut", () => {
  for (let seed = 0; seed < 60; seed += 1) {
    const text = randomJson(randomFrom(seed), 4);
    const decide: Decide = (path, kind) => {
      const draw = randomFrom(seed * 1_000 + path.length * 31 + where(path).length)();
      if (draw < 0.5 && kind !== "scalar") return "enter";
      return draw < 0.75 ? "skip" : "take";
    };
    scannedHoweverCut(text, decide);
    scannedHoweverCut(text, enterAll);
    expect(taken(text, takeAll)).toEqual([`[] ${text.trim()}`]);
    expect(scannedHoweverCut(text, skipAll).at(-1)).toEqual([
      "skip",
      "[]",
      encode(text.trim()).length,
    ]);
  }
});

test("random documents without NaN have the values that JSON.parse finds", () => {
  for (let seed = 0; seed < 200; seed += 1) {
    const text = randomJson(randomFrom(seed), 4).replaceAll(/NaN|-Infinity/g, "7");
    const leaves: [string, unknown][] = [];
    const walk = (path: JsonPath, value: unknown) => {
      if (typeof value !== "object" || value === null) leaves.push([where(path), value]);
      else if (Array.isArray(value))
        for (const [index, item] of value.entries()) walk([...path, index], item);
      else for (const [key, item] of Object.entries(value)) walk([...path, key], item);
    };
    walk([], JSON.parse(text));
    const found = new Map(
      scanned([encode(text)], enterAll).flatMap(([event, path, what]) =>
        event === "take" ? [[path, JSON.parse(String(what))]] : [],
      ),
    );
    for (const [path, value] of leaves)
      expect([path, found.get(path)]).toEqual([path, value]);
  }
});

test("objects and lists can be taken, passed over and entered next to each other", () => {
  const text =
    '{"a": [1, {"b": 2.0}], "c" : {"d" :[ 3 ], "e":"f"} , "g": { }, "h": [[], 4]}';
  const decisions: Record<string, Decision> = {
    a: "take",
    d: "skip",
    g: "take",
    "1": "take",
  };
  const decide: Decide = (path) => decisions[String(path.at(-1))] ?? "enter";

  expect(scannedHoweverCut(text, decide)).toEqual([
    ["begin", "[]", "object enter"],
    ["begin", '["a"]', "array take"],
    ["take", '["a"]', '[1, {"b": 2.0}]'],
    ["begin", '["c"]', "object enter"],
    ["begin", '["c","d"]', "array skip"],
    ["skip", '["c","d"]', 5],
    ["begin", '["c","e"]', "scalar enter"],
    ["skip", '["c","e"]', 3],
    ["end", '["c"]', ""],
    ["begin", '["g"]', "object take"],
    ["take", '["g"]', "{ }"],
    ["begin", '["h"]', "array enter"],
    ["begin", '["h",0]', "array enter"],
    ["end", '["h",0]', ""],
    ["begin", '["h",1]', "scalar take"],
    ["take", '["h",1]', "4"],
    ["end", '["h"]', ""],
    ["end", "[]", ""],
  ]);
});

test("a handler that only decides needs no other methods", () => {
  const scanner = new JsonScanner({
    begin: (path) => (path.length === 0 ? "enter" : path[0] === 0 ? "take" : "skip"),
  });
  scanner.push(encode("[1, 2]"));
  expect(() => scanner.finish()).not.toThrow();
});

test("runs of backslashes escape a quote only where they are odd", () => {
  for (let length = 0; length <= 9; length += 1) {
    const run = "\\".repeat(length);
    const string = length % 2 === 0 ? `"${run}"` : `"${run}" "`;
    expect(taken(`[${string}, 1]`)).toEqual([`[0] ${string}`, "[1] 1"]);
  }
});

test("keys with escapes are given as the text that they stand for", () => {
  expect(taken(String.raw`{"a\"\\\u00e9é\n": 1, "": 2, "__proto__": 3}`)).toEqual([
    String.raw`["a\"\\éé\n"] 1`,
    '[""] 2',
    '["__proto__"] 3',
  ]);
});

test("a key that is there twice is given twice", () => {
  expect(taken('{"a": 1, "a": 2}')).toEqual(['["a"] 1', '["a"] 2']);
});

test("numbers keep the bytes that they were written with", () => {
  expect(taken("[1.0, -0, 12345678901234567890, 1e5, 1E-07, 0.10]")).toEqual([
    "[0] 1.0",
    "[1] -0",
    "[2] 12345678901234567890",
    "[3] 1e5",
    "[4] 1E-07",
    "[5] 0.10",
  ]);
});

test("the words that Python writes for floats are values", () => {
  expect(taken("[NaN, Infinity, -Infinity]")).toEqual([
    "[0] NaN",
    "[1] Infinity",
    "[2] -Infinity",
  ]);
});

test.each([["12"], ["true"], ['"a"'], [" \n null \n"]])(
  "the scalar %j is a document",
  (text) => {
    expect(taken(text)).toEqual([`[] ${text.trim()}`]);
  },
);

test("a byte order mark is passed over, wherever it is cut", () => {
  expect(taken('\uFEFF{"a": 1}')).toEqual(['["a"] 1']);
  expect(taken("\uFEFF[1]", takeAll)).toEqual(["[] [1]"]);
  expect(failureOf("\uFEFF").message).toBe("it is empty");
});

test("half a byte order mark, or a second one, is no JSON", () => {
  const half = new JsonScanner({ begin: () => "take" });
  half.push(Uint8Array.of(0xef));
  half.push(new Uint8Array(0));
  expect(() => half.push(encode("[1]"))).toThrow(JsonSyntaxError);
  failureOf("\uFEFF\uFEFF1");
});

test("a chunk without bytes changes nothing", () => {
  const chunks = ["", "[1", "", ', "a', "", '"]', ""].map(encode);
  expect(scanned(chunks, takeAll).at(-1)).toEqual(["take", "[]", '[1, "a"]']);
});

test("a value that arrived in one piece is a view of its chunk", () => {
  const chunk = encode("[1, [2]]");
  const buffers: unknown[] = [];
  const scanner = new JsonScanner({
    begin: (path) => (path.length === 0 ? "enter" : "take"),
    take: (_path, bytes) => buffers.push(bytes.buffer),
  });
  scanner.push(chunk);
  scanner.finish();
  expect(buffers).toEqual([chunk.buffer, chunk.buffer]);
  expect(buffers[0]).toBe(chunk.buffer);
});

test.each([
  ["", 1, "it is empty"],
  [" \n\n ", 3, "it is empty"],
  ["[1,\n2", 2, "it ends in the middle"],
  ['{"a":\n\n', 3, "it ends in the middle"],
  ['["a\\', 1, "it ends in the middle"],
  ['"abc', 1, "it ends in the middle"],
  ["[1]\n[2]", 2, '"[" where nothing is expected'],
  ["1\n2", 2, '"2" where nothing is expected'],
  ['{}\n"a"', 2, '"\\"" where nothing is expected'],
  ["{},", 1, '"," where nothing is expected'],
  ["[]]", 1, '"]" where nothing is expected'],
  ["}", 1, '"}" where value is expected'],
  ["[1\n2]", 2, '"2" where comma or end is expected'],
  ['{"a": 1\n"b": 2}', 2, '"\\"" where comma or end is expected'],
  ["[1,\n]", 2, '"]" where value is expected'],
  ['{"a": 1,\n}', 2, '"}" where key is expected'],
  ["[,1]", 1, '"," where value or end is expected'],
  ["[1,,2]", 1, '"," where value is expected'],
  ["{,}", 1, '"," where key or end is expected'],
  ['{"a"}', 1, '"}" where colon is expected'],
  ['{"a":}', 1, '"}" where value is expected'],
  ['{"a"::1}', 1, '":" where value is expected'],
  ["[1:2]", 1, '":" where comma or end is expected'],
  ["{1: 2}", 1, '"1" where key or end is expected'],
  ["{[]: 2}", 1, '"[" where key or end is expected'],
  ["[1\n}", 2, '"}" where comma or end is expected'],
  ['{"a": 1\n]', 2, '"]" where comma or end is expected'],
  ["[}", 1, '"}" where value or end is expected'],
  ["{]", 1, '"]" where key or end is expected'],
  ["[\n01]", 2, '"01" is no value'],
  ["[1.]", 1, '"1." is no value'],
  ["[+1]", 1, '"+1" is no value'],
  ["[tru", 1, '"tru" is no value'],
  ["[True]", 1, '"True" is no value'],
  ["[NULL]", 1, '"NULL" is no value'],
  ["[nan]", 1, '"nan" is no value'],
  ["[-NaN]", 1, '"-NaN" is no value'],
  ["'a'", 1, "\"'a'\" is no value"],
  ['{"\\x": 1}', 1, "a string is not valid"],
])("%j is no JSON at line %i: %s", (text, line, message) => {
  expect(failureOf(text)).toMatchObject({ line, message });
});

test("what is passed over or taken has to be JSON too", () => {
  for (const decide of [takeAll, skipAll]) {
    expect(failureOf("[[1, 2}]", decide).message).toMatch(/^"}"/);
    expect(failureOf('{"a": [1}', decide).message).toMatch(/^"}"/);
    expect(failureOf("[1, yes]", decide).message).toBe('"yes" is no value');
    expect(failureOf("[[1]", decide).message).toBe("it ends in the middle");
  }
});

test("merge conflict markers are found at their line", () => {
  const inList = '{\n "cells": [\n<<<<<<< HEAD\n  1\n=======\n  2\n>>>>>>> b\n ]\n}';
  expect(failureOf(inList)).toMatchObject({ line: 3, message: '"<<<<<<<" is no value' });
  const inObject = '{\n "a": 1,\n<<<<<<< HEAD\n "b": 2\n=======\n "b": 3\n>>>>>>> c\n}';
  expect(failureOf(inObject)).toMatchObject({
    line: 3,
    message: '"<" where key is expected',
  });
  const afterValue = '{\n "a": 1\n=======\n}';
  expect(failureOf(afterValue, skipAll).line).toBe(3);
});

test("a document may be nested a thousand deep, and no deeper", () => {
  const deep = "[".repeat(1_000) + "]".repeat(1_000);
  for (const decide of [enterAll, takeAll, skipAll]) {
    expect(() => scanned([encode(deep)], decide)).not.toThrow();
    expect(() => scanned([encode(`[${deep}]`)], decide)).toThrow(
      "it is nested too deeply",
    );
  }
});

test("a number without an end is given up", () => {
  const digits = encode("1".repeat(6_000));
  expect(scanned([digits], takeAll)).toHaveLength(2);
  expect(() => scanned([digits, digits], takeAll)).toThrow("a number is too long");
  expect(() => scanned([encode("1".repeat(20_000))], takeAll)).toThrow("too long");
});

test("a word that is no value is quoted only in part", () => {
  expect(failureOf("x".repeat(100)).message).toBe(`"${"x".repeat(40)}" is no value`);
});

test("parts are joined in order, and a single part is given as it is", () => {
  const only = encode("ab");
  expect(joinBytes([only])).toBe(only);
  expect(joinBytes([])).toEqual(new Uint8Array(0));
  expect(decode(joinBytes([only, encode(""), encode("c")]))).toBe("abc");
});
