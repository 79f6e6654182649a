import { expect, test } from "vitest";
import { errorText, inputText } from "../../../src/output/item-words.ts";

const error = { type: "error", ename: "ValueError", evalue: "bad" } as const;

test("an error is its traceback without colours", () => {
  expect(
    errorText({ ...error, traceback: ["\x1b[31mTrace\x1b[0m", "ValueError: bad"] }),
  ).toBe("Trace\nValueError: bad");
});

test("an error without a traceback is its name and value", () => {
  expect(errorText({ ...error, traceback: [] })).toBe("ValueError: bad");
  expect(errorText({ ...error, traceback: ["\x1b[0m", ""] })).toBe("ValueError: bad");
});

test("an answer stands after its prompt, unless it is a password", () => {
  const input = { type: "input", prompt: "Name: ", text: "Ada" } as const;
  expect(inputText({ ...input, password: false })).toBe("Name: Ada\n");
  expect(inputText({ ...input, password: true })).toBe("Name: ········\n");
});
