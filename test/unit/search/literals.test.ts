import { RE2JS } from "re2js";
import { expect, test } from "vitest";
import { literalsOf } from "../../../src/search/literals.ts";

const PATTERNS: readonly (readonly [string, readonly (readonly string[])[]])[] = [
  ["load_data", [["load_data"]]],
  [String.raw`load_\w+_4[12]`, [["load_"], ["_41", "_42"]]],
  [String.raw`^import\b\s+(numpy|pandas)$`, [["import"], ["numpy", "pandas"]]],
  ["(load|plot)_mean", [["load_mean", "plot_mean"]]],
  ["load|plot", [["load", "plot"]]],
  ["load.*x|y(plot|fit)z", [["load", "yplotz", "yfitz"]]],
  ["load|.", []],
  ["(?:ab|c(?P<rest>d|e))f", [["abf", "cdf", "cef"]]],
  ["(?<name>abc)+d", [["abc"], ["d"]]],
  ["(abc)*d", [["d"]]],
  ["ab?c", [["a"], ["c"]]],
  ["(a.b)?c{2,}d{0}", [["c"]]],
  [
    "[abc][def][ghi]",
    [
      ["a", "b", "c"],
      ["d", "e", "f"],
      ["g", "h", "i"],
    ],
  ],
  ["x[^a]y[a-c]z[]]", [["x"], ["y"], ["z"]]],
  [String.raw`a\.b\(\tc`, [["a.b(\tc"]]],
  [String.raw`\d{4}`, []],
  [String.raw`\x41bc`, []],
  ["(?i)Load_", [["Load_"]]],
  ["(?i)naïve_load", [["na"], ["ve_load"]]],
  ["(?s)a.b", [["a"], ["b"]]],
  ["a(?i)b", []],
  [String.raw`\Qa.b\E`, []],
  ["(|x)y", [["y", "xy"]]],
];

test.for(PATTERNS)("the pattern %s needs %j", ([pattern, needed]) => {
  expect(literalsOf(pattern).needed).toEqual(needed);
});

/** Texts and patterns from a seed, of few letters, so that many match. */
function* cases(): Generator<{ readonly pattern: string; readonly text: string }> {
  let state = 11;
  const next = (below: number) => {
    state = (state * 16_807) % 2_147_483_647;
    return state % below;
  };
  const pick = (all: readonly string[]) => all[next(all.length)] ?? "";
  const part = (depth: number): string => {
    const quantifier = pick(["", "", "", "", "?", "*", "+", "{2}", "{0,1}", "+?"]);
    const isGroup = depth < 3 && next(3) === 0;
    const atom = isGroup
      ? `${pick(["(", "(?:", "(?P<n>"])}${branches(depth + 1)})`
      : pick(["a", "b", "c", "ab", ".", "[ab]", "[^a]", "[a-c]", "\\w", "\\b", "^", "$"]);
    return atom + (/^[\\^$]/.test(atom) && atom !== "\\w" ? "" : quantifier);
  };
  const branches = (depth: number): string =>
    Array.from({ length: 1 + next(3) }, () =>
      Array.from({ length: 1 + next(4) }, () => part(depth)).join(""),
    ).join("|");
  for (let number = 0; number < 5_000; number += 1) {
    // A name may be there once.
    const pattern = branches(0).replaceAll("?P<n>", () => `?P<n${next(1_000_000)}>`);
    const text = Array.from({ length: 8 }, () => pick(["a", "b", "c", "B", " "])).join(
      "",
    );
    yield { pattern: next(3) === 0 ? `(?i)${pattern}` : pattern, text };
  }
}

test("whatever matches a pattern has one of each string that it is said to need", () => {
  let matches = 0;
  for (const { pattern, text } of cases()) {
    const matcher = RE2JS.compile(pattern, RE2JS.MULTILINE).matcher(text);
    if (!matcher.find()) continue;
    const found = matcher.group() ?? "";
    if (found !== "") matches += 1;
    const { needed, isAnyCase } = literalsOf(pattern);
    const inCase = (value: string) => (isAnyCase ? value.toLowerCase() : value);
    for (const all of needed)
      expect(
        all.some((one) => inCase(found).includes(inCase(one))),
        `${pattern} in ${JSON.stringify(text)}: ${JSON.stringify(all)}`,
      ).toBe(true);
  }
  expect(matches).toBeGreaterThan(1_000);
});
