import { expect, test } from "vitest";
import { connect } from "./support.ts";

const IMPORTS = `
import json, numpy as np, pandas as pd, matplotlib.pyplot as plt, nbformat
from tqdm import tqdm
def area(radius: float) -> float:
    """The area of a circle."""
    return 3.14159 * radius ** 2
`;

test.for([
  ["json.dumps", /Serialize ``obj`` to a JSON formatted ``str``/],
  ["np.linspace", /Return evenly spaced numbers over a specified interval/],
  ["pd.DataFrame.groupby", /Group DataFrame using a mapper/],
  ["plt.scatter", /A scatter plot of \*y\* vs\. \*x\*/],
  ["nbformat.read", /Read a notebook from a file as a NotebookNode/],
  ["tqdm", /Decorate an iterable object/],
] as const)("help for %s is what its library documents", async ([code, documented]) => {
  await using client = await connect();
  const { conversation, kernel } = (await client.call("run_code", { code: IMPORTS }))
    .execution;
  const help = await client.call("inspect_code", { conversation, code });
  expect(help.isError).toBe(false);
  expect(help.text).toMatch(documented);
  expect(help.text.split("\n")[0]).toBe(
    `python3 ${kernel?.slice(0, 8)} · ${conversation}`,
  );
  // Colours are for terminals.
  expect(help.text).not.toContain("\u001b");
  expect(help.text.length).toBeLessThan(10_500);
});

test("the cursor is where it is said to be, and before the arguments of a call where it is not", async () => {
  await using client = await connect();
  const { conversation } = (await client.call("run_code", { code: IMPORTS })).execution;
  const help = async (code: string, cursor?: number) =>
    (await client.call("inspect_code", { conversation, code, cursor })).text;
  for (const code of ["area", "area(", "area(2)", "area(radius=2) ", "x = area(2)"])
    expect(await help(code)).toContain("The area of a circle.");
  // Characters, not units of UTF-16: the smileys are one each.
  const two = "'😀😀', area, json.dumps(1)";
  expect(await help(two, 8)).toContain("The area of a circle.");
  expect(await help(two, 18)).toContain("Serialize ``obj``");
  expect(await help("area", 5)).toBe(
    "cursor 5 is outside of the code, which has 4 characters.\nNext: Call again with a cursor within it, or without one for its end.",
  );
});

test("source is shown where the kernel has it, and said to be missing where not", async () => {
  await using client = await connect();
  const { conversation } = (await client.call("run_code", { code: IMPORTS })).execution;
  const source = async (code: string) =>
    (await client.call("inspect_code", { conversation, code, mode: "source" })).text;
  expect(await source("area")).toContain("return 3.14159 * radius ** 2");
  expect(await source("json.dumps")).toContain("_default_encoder.encode(obj)");
  const unknown = await client.call("inspect_code", { conversation, code: "arae" });
  expect(unknown.isError).toBe(false);
  expect(unknown.text).toMatch(
    /\nThe kernel has no help for "arae"\.\nNext: a name is known once/,
  );
});

test("completions are listed with their kinds and with what they replace", async () => {
  await using client = await connect();
  const { conversation } = (
    await client.call("run_code", { code: `${IMPORTS}\ncircle_radius = 2` })
  ).execution;
  const complete = async (code: string, cursor?: number) =>
    (await client.call("inspect_code", { conversation, code, cursor, mode: "complete" }))
      .text;
  expect(await complete("circle_r")).toMatch(
    /\n1 for "circle_r":\ncircle_radius {2}instance$/,
  );
  expect(await complete("np.linsp")).toMatch(/\n1 for "linsp":\nlinspace {2}function$/);
  expect(await complete("np.linsp + 1", 8)).toContain("linspace");
  expect(await complete("nothing_like_this.x")).toMatch(/\nNothing completes "/);
  expect(await complete("np.")).toMatch(/\n… \d+ more: complete a longer beginning\.$/);
});
