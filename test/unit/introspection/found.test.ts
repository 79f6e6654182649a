import { expect, test } from "vitest";
import { parseFound, patternOfGlob } from "../../../src/introspection/found.ts";

function matches(glob: string, name: string): boolean {
  return new RegExp(`^(?:${patternOfGlob(glob)})$`, "su").test(name);
}

test.for([
  ["*", "anything", true],
  ["*", "", true],
  ["df", "df", true],
  ["df", "df2", false],
  ["df*", "df2", true],
  ["*_raw", "sales_raw", true],
  ["*_raw", "sales_raw2", false],
  ["a*b*c", "aXbYc", true],
  ["a*b*c", "abbbc", true],
  ["a*b*b", "ab", false],
  ["a*b*b", "abb", true],
  ["a?c", "abc", true],
  ["a?c", "ac", false],
  ["*1*2*3*4*5*6*7*8*9*10*11*", "1234567891011", true],
  ["x1*2", "x102", true],
  ["my.data", "my.data", true],
  ["my.data", "my_data", false],
  ["$*", "$el", true],
  ["[a-z]", "b", false],
  ["(a|b)^\\]-&", "(a|b)^\\]-&", true],
  ["größe*", "größe_1", true],
] as const)("the glob %s on the name %s: %s", ([glob, name, expected]) => {
  expect(matches(glob, name)).toBe(expected);
});

test("a glob of many stars does not go back and forth in a long name", () => {
  expect(matches(`${"*a".repeat(90)}*b`, "a".repeat(5_000))).toBe(false);
});

test("what a kernel answers is read as far as it is what was asked for", () => {
  const variable = { name: "x", type: "int", value: "5" };
  expect(parseFound(JSON.stringify({ variables: [variable], total: 1 }))).toMatchObject({
    variables: [variable],
    modules: [],
    total: 1,
  });
  // R writes an empty list where something is null.
  expect(
    parseFound(JSON.stringify({ variable: { ...variable, shape: {} }, sections: [] })),
  ).toMatchObject({ variable: { shape: null } });
  expect(parseFound('{"similar": ["x"]}')).toEqual({ similar: ["x"] });
  expect(parseFound("{")).toBeNull();
  expect(parseFound(undefined)).toBeNull();
  expect(parseFound("[]")).toBeNull();
});
