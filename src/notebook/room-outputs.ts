/**
 * Outputs of a cell in its room's document, changed so that JupyterLab, which
 * looks at the changes alone, shows what is there: it takes each output that is
 * put in for the last one, and each change of a stream's text for one at the end
 * of the last output.
 *
 * @see https://github.com/jupyterlab/jupyterlab/blob/main/packages/cells/src/model.ts
 */

import * as Y from "yjs";
import type { NbOutput } from "../jupyter/nbformat.ts";

/** An output as rooms hold it: its text in one piece. */
export type RoomOutput = Readonly<Record<string, unknown>>;

/** Outputs as nbformat has them, in the form of rooms. */
export function roomOutputs(outputs: readonly NbOutput[]): RoomOutput[] {
  return outputs.map((output) => {
    if (output.output_type === "stream")
      return { ...output, text: joined(output.text) ?? output.text };
    if (!("data" in output)) return { ...output };
    const data = Object.fromEntries(
      Object.entries(output.data).map(([mime, value]) => [
        mime,
        isJson(mime) ? value : (joined(value) ?? value),
      ]),
    );
    return { ...output, data };
  });
}

/** Makes these of the outputs that are there, each step in a transaction of its own. */
export function patchOutputs(
  there: Y.Array<unknown>,
  wanted: readonly RoomOutput[],
  transact: (change: () => void) => void,
): void {
  // What is not yet part of a document has nothing that can be read.
  const old = there.doc === null ? [] : there.toArray();
  let same = 0;
  while (same < old.length && same < wanted.length && isSame(old[same], wanted[same]))
    same += 1;
  const last = old[same];
  const next = wanted[same];
  if (next !== undefined && same === old.length - 1 && goesOn(last, next)) {
    transact(() => setEnd(last, String(next["text"])));
    same += 1;
  }
  if (same === old.length && same === wanted.length) return;
  transact(() => {
    if (same < old.length) there.delete(same, old.length - same);
    if (same < wanted.length) there.insert(same, wanted.slice(same).map(newYOutput));
  });
}

function joined(value: unknown): string | null {
  if (typeof value === "string") return value;
  if (!Array.isArray(value) || !value.every((part) => typeof part === "string"))
    return null;
  return value.join("");
}

function isJson(mime: string): boolean {
  return /^application\/(?:.*\+)?json$/.test(mime);
}

function isSame(old: unknown, wanted: RoomOutput | undefined): boolean {
  if (!(old instanceof Y.Map) || wanted === undefined) return false;
  const text = textOf(old);
  if (text !== null && wanted["text"] !== text.toString()) return false;
  return isEqual(old.toJSON(), wanted);
}

/** Whether a stream is another one's beginning, or shares one with it. */
function goesOn(old: unknown, wanted: RoomOutput): old is Y.Map<unknown> {
  return (
    old instanceof Y.Map &&
    old.get("output_type") === "stream" &&
    wanted["output_type"] === "stream" &&
    old.get("name") === wanted["name"] &&
    textOf(old) !== null
  );
}

function setEnd(old: Y.Map<unknown>, wanted: string): void {
  const text = textOf(old);
  if (text === null) return;
  const now = text.toString();
  let same = 0;
  while (same < now.length && same < wanted.length && now[same] === wanted[same])
    same += 1;
  // Between the halves of a pair nothing can be put in.
  if (same > 0 && /[\uD800-\uDBFF]/.test(now[same - 1] ?? "")) same -= 1;
  if (same < now.length) text.delete(same, now.length - same);
  if (same < wanted.length) text.insert(same, wanted.slice(same));
}

function textOf(output: Y.Map<unknown>): Y.Text | null {
  const text = output.get("text");
  return text instanceof Y.Text ? text : null;
}

function newYOutput(output: RoomOutput): Y.Map<unknown> {
  const entries = Object.entries(output).map(([key, value]): [string, unknown] => [
    key,
    output["output_type"] === "stream" && key === "text"
      ? new Y.Text(String(value))
      : value,
  ]);
  return new Y.Map(entries);
}

/** Whether two values are the same JSON, in whatever order their members are. */
function isEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((part, index) => isEqual(part, b[index]));
  if (!isObject(a) || !isObject(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && isEqual(a[key], b[key]))
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
