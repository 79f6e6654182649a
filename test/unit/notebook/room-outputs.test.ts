import { expect, test } from "vitest";
import * as Y from "yjs";
import type { NbOutput } from "../../../src/jupyter/nbformat.ts";
import { patchOutputs, roomOutputs } from "../../../src/notebook/room-outputs.ts";

const stream = (text: string, name = "stdout"): NbOutput => ({
  output_type: "stream",
  name,
  text: [text],
});
const display = (text: string): NbOutput => ({
  output_type: "display_data",
  data: { "text/plain": [text], "application/json": { lines: ["a", "b"] } },
  metadata: {},
});

/**
 * What JupyterLab shows when all that it gets are the changes: each output that is
 * put in comes last, and a stream's text changes at the end of the last output.
 */
function shownByLab(outputs: Y.Array<unknown>): unknown[] {
  const shown: Record<string, unknown>[] = [];
  outputs.observeDeep((events) => {
    for (const event of events) {
      if (event.target === outputs) {
        let at = 0;
        for (const { retain, delete: deleted, insert } of event.changes.delta) {
          if (retain !== undefined) at += retain;
          if (deleted !== undefined) shown.splice(at, deleted);
          if (Array.isArray(insert))
            shown.push(...insert.map((output: Y.Map<unknown>) => output.toJSON()));
        }
      } else {
        const last = shown.at(-1);
        for (const { delete: deleted, insert } of event.changes.delta) {
          if (last === undefined) continue;
          const text = String(last["text"]);
          if (deleted !== undefined) last["text"] = text.slice(0, text.length - deleted);
          if (typeof insert === "string") last["text"] = `${last["text"]}${insert}`;
        }
      }
    }
  });
  return shown;
}

function patched(steps: readonly (readonly NbOutput[])[]) {
  const doc = new Y.Doc();
  const outputs = doc.getArray("outputs");
  const shown = shownByLab(outputs);
  for (const step of steps) {
    patchOutputs(outputs, roomOutputs(step), (change) => doc.transact(change));
    expect(outputs.toJSON()).toEqual(roomOutputs(step));
    expect(shown).toEqual(roomOutputs(step));
  }
  return { doc, outputs };
}

test.each<[string, readonly (readonly NbOutput[])[]]>([
  [
    "text that is printed bit by bit",
    [[stream("a")], [stream("ab\n")], [stream("ab\nc")]],
  ],
  ["a bar that redraws itself", [[stream("10%")], [stream("20%")], [stream("100%")]]],
  [
    "a display after text, and text after it",
    [
      [stream("a")],
      [stream("ab"), display("x")],
      [stream("ab"), display("x"), stream("c", "stderr")],
    ],
  ],
  [
    "a display that is updated where it is",
    [
      [stream("a"), display("x"), stream("b")],
      [stream("a"), display("y"), stream("b"), stream("c", "stderr")],
    ],
  ],
  ["what is cleared and printed anew", [[stream("a"), display("x")], [], [stream("b")]]],
  ["pairs of surrogates", [[stream("😀")], [stream("😁")], [stream("😁😀")]]],
])("%s is shown as it is meant", (_name, steps) => {
  patched(steps);
});

test("text that goes on costs its own length", () => {
  const { doc, outputs } = patched([[stream("line\n".repeat(20_000))]]);
  let bytes = 0;
  doc.on("update", (update: Uint8Array) => (bytes += update.byteLength));
  const more = [stream(`${"line\n".repeat(20_000)}end\n`)];
  patchOutputs(outputs, roomOutputs(more), (change) => doc.transact(change));
  expect(bytes).toBeLessThan(60);
});

test("outputs are in one piece where nbformat has lines, but JSON stays as it is", () => {
  expect(roomOutputs([display("x")])).toEqual([
    {
      output_type: "display_data",
      data: { "text/plain": "x", "application/json": { lines: ["a", "b"] } },
      metadata: {},
    },
  ]);
});
