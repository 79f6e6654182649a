import { expect, test } from "vitest";
import { splitLines } from "../../../src/jupyter/nbformat.ts";
import type { Item } from "../../../src/kernel/item.ts";
import { RunOutputs } from "../../../src/notebook/outputs.ts";

const PNG = "iVBORw0KGgo=\n";

const stdout = (text: string): Item => ({ type: "stream", name: "stdout", text });
const stderr = (text: string): Item => ({ type: "stream", name: "stderr", text });
const clear = (wait: boolean): Item => ({ type: "clear_output", wait });
const boom: Item = {
  type: "error",
  ename: "ValueError",
  evalue: "boom",
  traceback: ["\x1b[31mTraceback\x1b[0m\nValueError: boom"],
};

function display(
  data: Record<string, unknown> | string,
  display_id?: string,
  type: "display_data" | "execute_result" | "update_display_data" = "display_data",
): Item {
  const bundle = typeof data === "string" ? { "text/plain": data } : data;
  return {
    type,
    data: bundle,
    metadata: {},
    ...(display_id === undefined ? {} : { display_id }),
  };
}

const counted = (execution_count: number): Item => ({
  type: "execute_result",
  data: {},
  metadata: { isolated: true },
  execution_count,
});

const update = (data: Record<string, unknown> | string, id: string) =>
  display(data, id, "update_display_data");

const stream = (name: "stdout" | "stderr", ...text: string[]) => ({
  output_type: "stream",
  name,
  text,
});

const shown = (...text: string[]) => ({
  output_type: "display_data",
  data: { "text/plain": text },
  metadata: {},
});

function run(...items: readonly Item[]): RunOutputs {
  const outputs = new RunOutputs();
  for (const item of items) outputs.add(0, item);
  return outputs;
}

const outputsOf = (...items: readonly Item[]) => run(...items).outputs(0);

const dataOf = (data: Record<string, unknown>) => outputsOf(display(data))[0];

test("a text is split into lines that make it when joined", () => {
  expect(splitLines("")).toEqual([]);
  expect(splitLines("a")).toEqual(["a"]);
  expect(splitLines("a\n\nb\r\nc\u2028d\fe\n")).toEqual([
    "a\n",
    "\n",
    "b\r\n",
    "c\u2028d\fe\n",
  ]);
});

test("a step without items has no outputs", () => {
  expect(new RunOutputs().outputs(3)).toEqual([]);
});

test("text of one stream makes one output, whatever the chunks", () => {
  expect(outputsOf(stdout("a"), stdout("b\nc"), stdout("\n\nd"))).toEqual([
    stream("stdout", "ab\n", "c\n", "\n", "d"),
  ]);
});

test("streams that take turns make an output at each turn", () => {
  expect(outputsOf(stdout("a"), stderr("b"), stdout("c\n"), stdout("d"))).toEqual([
    stream("stdout", "a"),
    stream("stderr", "b"),
    stream("stdout", "c\n", "d"),
  ]);
});

test("text after a display or an error starts a new output", () => {
  expect(outputsOf(stdout("a"), display("x"), stdout("b"), boom, stdout("c"))).toEqual([
    stream("stdout", "a"),
    shown("x"),
    stream("stdout", "b"),
    expect.objectContaining({ output_type: "error" }),
    stream("stdout", "c"),
  ]);
});

test("a chunk without text makes no output", () => {
  expect(outputsOf(stdout(""))).toEqual([]);
});

test("escapes stay in the text, for JupyterLab shows their colours", () => {
  expect(outputsOf(stdout("\x1b[31mred\x1b[0m\n"))).toEqual([
    stream("stdout", "\x1b[31mred\x1b[0m\n"),
  ]);
});

test("a carriage return goes back to the start of the line and keeps what is not overwritten", () => {
  expect(outputsOf(stdout("first\n12345\rab"))).toEqual([
    stream("stdout", "first\n", "ab345"),
  ]);
  expect(outputsOf(stdout("12345\rab\n."))).toEqual([stream("stdout", "ab345\n", ".")]);
  expect(outputsOf(stdout("12\rabc\rx"))).toEqual([stream("stdout", "xbc")]);
});

test("a carriage return before a newline is part of the line's end, also in two chunks", () => {
  expect(outputsOf(stdout("a\r\nb\r"), stdout("\nc"))).toEqual([
    stream("stdout", "a\n", "b\n", "c"),
  ]);
});

test("a backspace removes the character before it, but no newline", () => {
  expect(outputsOf(stdout("a\n\b\bbcd\b\be"))).toEqual([stream("stdout", "a\n", "be")]);
  expect(outputsOf(stdout("ab"), stdout("\b"), stdout("c"))).toEqual([
    stream("stdout", "ac"),
  ]);
});

test("a backspace in a line that is written over removes two characters, as in JupyterLab", () => {
  expect(outputsOf(stdout("12345\rab\bc"))).toEqual([stream("stdout", "ac5")]);
});

test("a control character counts the same wherever a chunk ends", () => {
  const text = "one\rtwo!\b?\r\nthree\b\b\rx\ny🙂z\rab\b\n\nlast\rL";
  const whole = outputsOf(stdout(text));
  for (let cut = 0; cut <= text.length; cut++) {
    expect(outputsOf(stdout(text.slice(0, cut)), stdout(text.slice(cut)))).toEqual(whole);
  }
  expect(outputsOf(...Array.from(text, (char) => stdout(char)))).toEqual(whole);
});

test("a progress bar of ten thousand updates in a megabyte is one line", () => {
  const outputs = new RunOutputs();
  for (let done = 1; done <= 10_000; done++) {
    const bar = "█".repeat(Math.floor(done / 125)).padEnd(80);
    outputs.add(0, stderr(`\r${String(done).padStart(5)}/10000 |${bar}| 12.3it/s`));
  }
  expect(outputs.outputs(0)).toEqual([
    stream("stderr", `10000/10000 |${"█".repeat(80)}| 12.3it/s`),
  ]);
});

test("a line of a megabyte that is written over bit by bit keeps its rest", () => {
  const outputs = run(stdout("-".repeat(1_000_000)), stdout("\r"));
  for (let chunk = 0; chunk < 10_000; chunk++) outputs.add(0, stdout("#\rab\b"));
  // Each backspace removed two characters.
  expect(outputs.outputs(0)).toEqual([stream("stdout", `a${"-".repeat(979_999)}`)]);
});

test("a display has its data by type and no trace of its id", () => {
  expect(outputsOf(display({ "text/plain": "a\nb" }, "id"))).toEqual([
    { output_type: "display_data", data: { "text/plain": ["a\n", "b"] }, metadata: {} },
  ]);
});

test("a result has the count of its execution, and null where there is none", () => {
  const result = display("42", undefined, "execute_result");
  expect(outputsOf(result, counted(3), counted(-1), counted(1.5))).toEqual([
    {
      output_type: "execute_result",
      data: { "text/plain": ["42"] },
      metadata: {},
      execution_count: null,
    },
    {
      output_type: "execute_result",
      data: {},
      metadata: { isolated: true },
      execution_count: 3,
    },
    expect.objectContaining({ execution_count: null }),
    expect.objectContaining({ execution_count: null }),
  ]);
});

test("source text is stored by line and everything else in one piece, as nbformat does", () => {
  const text = "a\nb";
  const lines = ["a\n", "b"];
  expect(
    dataOf({
      "text/plain": text,
      "text/html": text,
      "image/svg+xml": text,
      "application/javascript": text,
      "application/x-tex": text,
      "image/png": PNG,
      "application/pdf": PNG,
    }),
  ).toMatchObject({
    data: {
      "text/plain": lines,
      "text/html": lines,
      "image/svg+xml": lines,
      "application/javascript": lines,
      "application/x-tex": text,
      "image/png": PNG,
      "application/pdf": PNG,
    },
  });
});

test("JSON stays as it is", () => {
  const data = {
    "application/json": "a\nb",
    "application/vnd.vega.v5+json": { marks: [1, null, "a\nb"] },
    "application/geo+json": null,
  };
  expect(dataOf(data)).toMatchObject({ data });
});

test("a value that nbformat does not allow for its type becomes text, and null is left out", () => {
  expect(
    dataOf({
      "text/plain": ["already ", "split"],
      "text/html": 42,
      "model/gltf+json": { asset: 1 },
      "text/latex": null,
    }),
  ).toEqual({
    output_type: "display_data",
    data: {
      "text/plain": ["already ", "split"],
      "text/html": ["42"],
      "model/gltf+json": '{"asset":1}',
    },
    metadata: {},
  });
});

test("an error is stored as the kernel sent it", () => {
  expect(outputsOf(boom)).toEqual([
    {
      output_type: "error",
      ename: "ValueError",
      evalue: "boom",
      traceback: ["\x1b[31mTraceback\x1b[0m\nValueError: boom"],
    },
  ]);
});

test("an update changes the display in place and makes no output", () => {
  const changed: Item = {
    type: "update_display_data",
    data: { "text/plain": "new" },
    metadata: { isolated: true },
    display_id: "p",
  };
  expect(outputsOf(display("old", "p"), stdout("-"), changed, stdout("-"))).toEqual([
    {
      output_type: "display_data",
      data: { "text/plain": ["new"] },
      metadata: changed.metadata,
    },
    stream("stdout", "--"),
  ]);
  expect(outputsOf(update("x", "unknown"))).toEqual([]);
});

test("an update reaches every output with its id, also of earlier steps", () => {
  const outputs = new RunOutputs();
  outputs.add(0, display("old", "p"));
  outputs.add(1, display("other", "q"));
  outputs.add(2, display("old", "p", "execute_result"));
  outputs.takeChanged();
  outputs.add(3, update("new", "p"));
  expect(outputs.takeChanged()).toEqual([0, 2]);
  expect(outputs.outputs(0)).toEqual([shown("new")]);
  expect(outputs.outputs(1)).toEqual([shown("other")]);
  expect(outputs.outputs(2)).toMatchObject([
    { output_type: "execute_result", data: { "text/plain": ["new"] } },
  ]);
  expect(outputs.outputs(3)).toEqual([]);
});

test("a display under an id that is known changes the earlier one too", () => {
  const outputs = new RunOutputs();
  outputs.add(0, display("old", "p"));
  outputs.add(1, display("new", "p"));
  expect([outputs.outputs(0), outputs.outputs(1)]).toEqual([
    [shown("new")],
    [shown("new")],
  ]);
  expect(outputs.takeChanged()).toEqual([0, 1]);
});

test("outputs that were handed out do not change any more", () => {
  const outputs = run(display("old", "p"), stdout("a\n"));
  const before = outputs.outputs(0);
  outputs.add(0, stdout("b\n"));
  outputs.add(0, update("new", "p"));
  expect(before).toEqual([shown("old"), stream("stdout", "a\n")]);
});

test("clear_output removes the outputs of its own step at once", () => {
  const outputs = new RunOutputs();
  outputs.add(0, stdout("kept"));
  outputs.add(1, stdout("gone"));
  outputs.add(1, display("gone"));
  outputs.takeChanged();
  outputs.add(1, clear(false));
  expect([outputs.outputs(0), outputs.outputs(1)]).toEqual([
    [stream("stdout", "kept")],
    [],
  ]);
  expect(outputs.takeChanged()).toEqual([1]);
  outputs.add(1, stdout("new"));
  expect(outputs.outputs(1)).toEqual([stream("stdout", "new")]);
});

test("clear_output that waits does so until the step has a new output", () => {
  const a = stdout("a");
  const input: Item = { type: "input", prompt: "? ", password: false, text: "1" };
  expect(outputsOf(a, clear(true))).toEqual([stream("stdout", "a")]);
  expect(outputsOf(a, clear(true), stdout("b"), stdout("c"))).toEqual([
    stream("stdout", "bc"),
  ]);
  expect(outputsOf(a, clear(true), display("d"), display("e"))).toEqual([
    shown("d"),
    shown("e"),
  ]);
  expect(outputsOf(a, clear(true), boom)).toHaveLength(1);
  expect(outputsOf(a, clear(true), input)).toEqual([stream("stdout", "? 1\n")]);
  expect(outputsOf(display("a", "p"), clear(true), update("b", "p"))).toEqual([
    shown("b"),
  ]);
  expect(outputsOf(a, clear(true), clear(false), stdout("b"), stdout("c"))).toEqual([
    stream("stdout", "bc"),
  ]);
});

test("a step's clear_output that waits is not due by another step's output", () => {
  const outputs = run(stdout("a"), clear(true));
  outputs.add(1, stdout("b"));
  expect(outputs.outputs(0)).toEqual([stream("stdout", "a")]);
});

test("an update of a display that was cleared away changes nothing", () => {
  const outputs = run(display("x", "p"), clear(false));
  outputs.add(1, display("y", "q"));
  outputs.takeChanged();
  outputs.add(1, update("z", "p"));
  expect(outputs.takeChanged()).toEqual([]);
  expect(outputs.outputs(0)).toEqual([]);
});

test("a display that was cleared away in one step is still updated in another", () => {
  const outputs = run(display("x", "p"));
  outputs.add(1, display("x", "p"));
  outputs.add(0, clear(false));
  outputs.add(1, update("y", "p"));
  expect([outputs.outputs(0), outputs.outputs(1)]).toEqual([[], [shown("y")]]);
});

test("a question and its answer are part of the text, a password is not", () => {
  const input = { type: "input", text: "Ada" } as const;
  expect(
    outputsOf(
      stdout("login\n"),
      { ...input, prompt: "Name? ", password: false },
      { ...input, prompt: "Key? ", password: true },
      stdout("hello\n"),
    ),
  ).toEqual([stream("stdout", "login\n", "Name? Ada\n", "Key? ········\n", "hello\n")]);
});

test("a gap is an output of its own in stderr", () => {
  const outputs = run(stdout("a\n"));
  outputs.addGap(0, 1234);
  outputs.add(0, stderr("50%\r"));
  expect(outputs.outputs(0)).toEqual([
    stream("stdout", "a\n"),
    stream("stderr", "[up to 1234 characters of output were not kept]\n"),
    stream("stderr", "50%"),
  ]);
});

test("of a long stream the beginning and the end are kept, and what is between is counted", () => {
  const outputs = new RunOutputs();
  const lines = Array.from({ length: 400_000 }, (_, index) => `line ${index}\n`);
  for (let at = 0; at < lines.length; at += 1_000)
    outputs.add(0, stdout(lines.slice(at, at + 1_000).join("")));
  const [output, ...more] = outputs.outputs(0);
  expect(more).toEqual([]);
  const text: readonly string[] = Reflect.get(output ?? {}, "text");
  const gap = text.findIndex((line) => line.startsWith("[…"));
  const [before, after] = [text.slice(0, gap), text.slice(gap + 1)];
  const left = lines.slice(before.length, lines.length - after.length);
  expect(before).toEqual(lines.slice(0, before.length));
  expect(after).toEqual(lines.slice(-after.length));
  expect(text[gap]).toBe(`[… ${left.join("").length} characters were not kept here …]\n`);
  expect(before.join("").length).toBeGreaterThan(900_000);
  expect(after.join("").length).toBeGreaterThan(900_000);
});

test("a line that never ends is kept in the same way", () => {
  const outputs = new RunOutputs();
  for (let at = 0; at < 50; at += 1) outputs.add(0, stdout("y".repeat(100_000)));
  const text: string[] = Reflect.get(outputs.outputs(0)[0] ?? {}, "text");
  expect(text.join("").length).toBeLessThan(4_000_000);
  expect(text.find((line) => line.includes("[…"))).toMatch(
    /^\n\[… \d+ characters were not kept here …\]\n$/,
  );
});

test("what is too much for a notebook is left out and said once a step, and what is small still comes", () => {
  const outputs = new RunOutputs();
  const large = display({ "image/png": "A".repeat(3_000_000) });
  for (const step of [0, 0, 0, 0, 1]) outputs.add(step, large);
  outputs.add(1, stdout("more"));
  outputs.add(1, large);
  outputs.add(1, boom);
  const cut = stream("stderr", expect.stringMatching(/^\[output was not kept/));
  expect(outputs.outputs(0)).toHaveLength(3);
  expect(outputs.outputs(0)[2]).toEqual(cut);
  expect(outputs.outputs(1)).toMatchObject([
    cut,
    stream("stdout", "more"),
    { output_type: "error" },
  ]);
});

test("what was cleared away makes room again", () => {
  const outputs = new RunOutputs();
  const large = display({ "image/png": "A".repeat(6_000_000) });
  for (let at = 0; at < 3; at += 1) {
    outputs.add(0, clear(false));
    outputs.add(0, large);
  }
  outputs.add(1, display("small"));
  expect(outputs.outputs(0)).toMatchObject([{ output_type: "display_data" }]);
  expect(outputs.outputs(1)).toEqual([shown("small")]);
});

test("a step is reported as changed once, until it changes again", () => {
  const outputs = new RunOutputs();
  expect(outputs.takeChanged()).toEqual([]);
  for (const step of [11, 2, 2]) outputs.add(step, stdout("a"));
  outputs.addGap(3, 1);
  expect(outputs.takeChanged()).toEqual([2, 3, 11]);
  expect(outputs.takeChanged()).toEqual([]);
  outputs.add(2, stdout("b"));
  expect(outputs.takeChanged()).toEqual([2]);
});

test("what changes no output reports no step", () => {
  const outputs = run(stdout("a"));
  outputs.takeChanged();
  outputs.add(0, clear(true));
  outputs.add(0, stdout(""));
  outputs.add(0, update("x", "unknown"));
  outputs.add(1, clear(false));
  expect(outputs.takeChanged()).toEqual([]);
});

test("half a surrogate pair, which Jupyter could not save, is replaced everywhere", () => {
  const half = "\ud83d";
  const outputs = outputsOf(
    stdout(half),
    { type: "error", ename: half, evalue: half, traceback: [half] },
    {
      type: "display_data",
      data: { "text/plain": half, "application/json": { [half]: [half] } },
      metadata: { [half]: half },
    },
    stderr(`🙂\rx\n${half}\n`),
  );
  const json = JSON.stringify(outputs);
  expect(json).not.toMatch(/\\ud/);
  expect(json.match(/\ufffd/g)).toHaveLength(11);
});

test("a surrogate pair in two chunks stays whole", () => {
  expect(outputsOf(stdout("\ud83d"), stdout("\ude42"), stdout("\n"))).toEqual([
    stream("stdout", "🙂\n"),
  ]);
});
