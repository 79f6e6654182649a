import { expect, test } from "vitest";
import { plainText, TerminalText } from "../../../src/output/terminal.ts";

test.for([
  ["a carriage return goes back to the start of the line", "12345\rab", "ab345"],
  ["a carriage return before a newline is part of it", "a\r\nb\r\n", "a\nb\n"],
  ["a backspace goes back one character", "abc\b\bX", "aXc"],
  ["a backspace goes back over a whole emoji", "a😀\bb", "ab"],
  ["half of an overwritten emoji is blank", "😀b\rx", "x b"],
  ["a backspace stops at the start of the line", "a\n\b\bb", "a\nb"],
  ["ESC[K erases to the end of the line", "12345\r12\x1b[K", "12"],
  ["ESC[1K erases up to the cursor", "12345\r\x1b[1K", " 2345"],
  ["ESC[2K erases the line and leaves the cursor", "ab\x1b[2Kc", "  c"],
  ["ESC[2K and a carriage return start the line again", "old state\r\x1b[2Knew", "new"],
  ["ESC[1000D goes to the start of the line", "10%\x1b[1000D20%", "20%"],
  ["ESC[G goes to the start of the line", "10%\x1b[1G\x1b[0K9%", "9%"],
  ["colours are removed", "\x1b[1;31mred\x1b[0m \x1b[38;5;12mblue\x1b[39m", "red blue"],
  [
    "a title and a link are removed",
    "\x1b]0;title\x07a\x1b]8;;http://x\x1b\\b\x1b]8;;\x1b\\",
    "ab",
  ],
  ["short escapes are removed", "\x1b(Ba\x1b7b\x1b=c", "abc"],
  ["a string that is never ended costs its line", "a\x1b]no end\nb", "a\nb"],
  ["control characters are removed and tabs stay", "a\x00\x07\tb\x7f", "a\tb"],
  ["a malformed escape loses its introducer", "\x1b[31\nb", "\nb"],
  [
    "blanks that wiped out a longer line are not text",
    "long line\r         \rx\n",
    "x\n",
  ],
  ["blanks that were printed are text", "a  \nb ", "a  \nb "],
] as const)("%s", ([, input, expected]) => {
  expect(plainText(input)).toBe(expected);
});

test("a progress bar reads as its last state", () => {
  const states = [0, 25, 50, 100].map(
    (percent) => `\r${percent}%|${"█".repeat(percent / 5)}|`,
  );
  expect(plainText(`${states.join("")}\ndone\n`)).toBe(`100%|${"█".repeat(20)}|\ndone\n`);
});

test("every split of an input gives the same text", () => {
  const input =
    "a\r\nbc\rd\x1b[2Ke\n\x1b[1;31mred\x1b[0m\b\b😀\rx\x1b]0;t\x1b\\y\x1b]8;;u\x07z\n\x1b(B\x1bPq\nab\b\x1b[Kc";
  const expected = plainText(input);
  for (let first = 0; first <= input.length; first++) {
    for (let second = first; second <= input.length; second++) {
      const terminal = new TerminalText();
      const chunks = [
        input.slice(0, first),
        input.slice(first, second),
        input.slice(second),
      ];
      const text = chunks.map((chunk) => terminal.push(chunk)).join("") + terminal.end();
      expect(text).toBe(expected);
    }
  }
});

test("a long open line gives the same text however it is split", () => {
  const input = `${"😀".repeat(17_000)}a${"b".repeat(20_000)}\rc\x1b[K\n`;
  const expected = plainText(input);
  for (const size of [1, 2, 999, 4_000, 16_000, 16_001]) {
    const terminal = new TerminalText();
    let text = "";
    for (let at = 0; at < input.length; at += size) {
      text += terminal.push(input.slice(at, at + size));
    }
    expect(text + terminal.end()).toBe(expected);
  }
});

test("a line becomes final with its newline", () => {
  const terminal = new TerminalText();
  expect(terminal.push("one\ntw")).toBe("one\n");
  expect(terminal.push("o")).toBe("");
  expect(terminal.push("\n")).toBe("two\n");
  expect(terminal.push("three")).toBe("");
  expect(terminal.end()).toBe("three");
  expect(terminal.end()).toBe("");
});

test("an open line above 16,000 characters is handed out in pieces", () => {
  const terminal = new TerminalText();
  expect(terminal.push("x".repeat(40_000))).toHaveLength(32_000);
  expect(terminal.end()).toHaveLength(8_000);
});

test("an escape that is cut off at the very end is removed", () => {
  expect(plainText("a\x1b[31")).toBe("a");
  expect(plainText("a\x1b")).toBe("a");
  expect(plainText("a\r")).toBe("a");
});
