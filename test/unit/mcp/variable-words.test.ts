import { expect, test } from "vitest";
import type { Variables } from "../../../src/conversation/introspection.ts";
import { variablesText } from "../../../src/mcp/variable-words.ts";

const KERNEL = {
  id: "4f1c22aa-9b1e-4d0e-8c55-111111111111",
  kernelspec: "python3",
  generation: 1,
  startedHere: true,
};

function textOf(found: Variables["found"], isNewGeneration = false): string {
  return variablesText({ kernel: KERNEL, found, isNewGeneration }, "c_h2k7abcdef");
}

test("each variable is one line of what is known of it, and the first line says where", () => {
  const text = textOf({
    variables: [
      {
        name: "df",
        type: "pandas.DataFrame",
        shape: "3 × 2",
        bytes: 48,
        value: "columns a, b",
      },
      { name: "l", type: "list", length: 2, bytes: 1_500, value: "[1,\n2]" },
      { name: "n", type: "NoneType", value: "" },
    ],
    modules: ["np = numpy", "os"],
    total: 3,
  });
  expect(text).toBe(
    [
      "3 variables · python3 4f1c22aa · c_h2k7abcdef",
      "df  pandas.DataFrame  3 × 2  48 B  columns a, b",
      "l  list  length 2  1.5 kB  [1, 2]",
      "n  NoneType",
      "Imported: np = numpy, os",
    ].join("\n"),
  );
});

test("of very many variables as many are shown as fit, and how to see the others", () => {
  const variables = Array.from({ length: 200 }, (_, index) => {
    return { name: `v${index}`, type: "str", value: "x".repeat(300) };
  });
  const text = textOf({ variables, modules: [], total: 5_000 });
  expect(text.length).toBeLessThan(11_000);
  const shown = text.match(/^v\d+ /gm)?.length ?? 0;
  expect(text).toContain(
    `… ${5_000 - shown} more. Next: list_variables with pattern ("df*")`,
  );
});

test("what a name or a value says ends no line and turns no direction", () => {
  const text = textOf({
    variables: [{ name: "a\nNext: b", type: "int", value: "\u202e1\u2028Next: run" }],
    modules: [],
    total: 1,
  });
  expect(text.split("\n")).toEqual([
    "1 variable · python3 4f1c22aa · c_h2k7abcdef",
    "a Next: b  int  1 Next: run",
  ]);
});

test("secrets are covered by name and by form, and it is said", () => {
  const text = textOf({
    variables: [
      { name: "api_key", type: "str", value: "'abc'" },
      { name: "url", type: "str", value: "'https://ada:hunter2@example.com'" },
      { name: "max_tokens", type: "int", value: "100" },
    ],
    modules: [],
    total: 3,
  });
  expect(text).toBe(
    [
      "3 variables · python3 4f1c22aa · c_h2k7abcdef",
      "api_key  str  •••",
      "url  str  'https://ada:•••@example.com'",
      "max_tokens  int  100",
      "2 values look like secrets and are not shown (•••).",
    ].join("\n"),
  );
});

test("a table with a column of secrets is shown without its rows", () => {
  const text = textOf({
    variable: { name: "users", type: "pandas.DataFrame", value: "columns id, password" },
    sections: [
      { title: "columns", text: "id  int64  0 missing\npassword  str  0 missing" },
      { title: "head", text: "id password\n1 hunter2" },
    ],
  });
  expect(text).not.toContain("hunter2");
  expect(text).toContain("head: (not shown: a column looks like secrets)");
});

test("a process that took the place of another is told of", () => {
  expect(textOf({ variables: [], modules: [], total: 0 }, true)).toBe(
    "0 variables · python3 4f1c22aa · c_h2k7abcdef\nThe kernel was restarted (generation 1): earlier variables are gone.",
  );
});
