import { expect, test } from "vitest";
import type { Message } from "../../../src/jupyter/messages.ts";
import { isDone, NO_PROGRESS, reduce, stateOf } from "../../../src/kernel/execution.ts";
import type { Item } from "../../../src/kernel/item.ts";

function message(msg_type: string, content: Message["content"]): Message {
  return {
    channel: msg_type.endsWith("_reply") ? "shell" : "iopub",
    header: { msg_id: `id-${msg_type}`, msg_type, session: "kernel" },
    parent_header: { msg_id: "m1", msg_type: "execute_request", session: "ours" },
    metadata: {},
    content,
  };
}

const BUSY = message("status", { execution_state: "busy" });
const IDLE = message("status", { execution_state: "idle" });
const INPUT = message("execute_input", { code: "1", execution_count: 7 });
const STREAM = message("stream", { name: "stdout", text: "hello\n" });
const OK = message("execute_reply", { status: "ok", execution_count: 7, payload: [] });
const FAILED = message("execute_reply", {
  status: "error",
  ename: "ValueError",
  evalue: "no",
  traceback: ["trace"],
});
const ERROR = message("error", {
  ename: "ValueError",
  evalue: "no",
  traceback: ["trace"],
});
const PROMPT = message("input_request", { prompt: "Name? ", password: false });

function run(messages: readonly Message[]) {
  let progress = NO_PROGRESS;
  const items: Item[] = [];
  const states: string[] = [];
  for (const each of messages) {
    const step = reduce(progress, each);
    progress = step.progress;
    items.push(...step.items);
    states.push(stateOf(progress));
  }
  return { progress, items, states };
}

function permutations<T>(values: readonly T[]): T[][] {
  if (values.length <= 1) return [[...values]];
  return values.flatMap((value, index) =>
    permutations(values.toSpliced(index, 1)).map((rest) => [value, ...rest]),
  );
}

test("in every order of its messages a run ends exactly when reply and idle are both there", () => {
  for (const order of permutations([BUSY, INPUT, STREAM, OK, IDLE])) {
    const { progress, items, states } = run(order);
    expect(isDone(progress)).toBe(true);
    expect(items).toEqual([{ type: "stream", name: "stdout", text: "hello\n" }]);
    expect(progress.executionCount).toBe(7);
    const end = Math.max(order.indexOf(OK), order.indexOf(IDLE));
    expect(states.findIndex((state) => state === "ok")).toBe(end);
  }
});

test("in every order a failed run shows its error once, also where only the reply tells it", () => {
  for (const told of [[ERROR], []]) {
    for (const order of permutations([BUSY, ...told, FAILED, IDLE])) {
      const { items, progress } = run(order);
      const errors = items.filter(({ type }) => type === "error");
      expect(errors).toHaveLength(1);
      expect(errors[0]).toMatchObject({ ename: "ValueError", traceback: ["trace"] });
      expect(stateOf(progress)).toBe("error");
    }
  }
});

test("an aborted reply ends a run as aborted without an error of its own", () => {
  const aborted = message("execute_reply", { status: "aborted" });
  const { progress, items } = run([aborted, BUSY, IDLE]);
  expect(stateOf(progress)).toBe("aborted");
  expect(items).toEqual([]);
});

test("a prompt makes a run wait for input until the reply comes", () => {
  const { states, progress } = run([BUSY, PROMPT, OK, IDLE]);
  expect(states).toEqual(["running", "waiting for input", "running", "ok"]);
  expect(progress.prompt).toBeNull();
});

test("a prompt that an interrupt ended stands before the error", () => {
  const { items } = run([BUSY, PROMPT, ERROR, FAILED, IDLE]);
  expect(items.map(({ type }) => type)).toEqual(["input", "error"]);
});

test("output after the end is still taken, and changes the state no more", () => {
  const { items, progress } = run([OK, IDLE, STREAM, IDLE]);
  expect(items).toHaveLength(1);
  expect(stateOf(progress)).toBe("ok");
});

test("what a pager would show becomes output", () => {
  const page = { source: "page", data: { "text/plain": "Docstring" }, start: 0 };
  const { items } = run([
    message("execute_reply", { status: "ok", payload: [page] }),
    IDLE,
  ]);
  expect(items).toEqual([
    { type: "display_data", data: { "text/plain": "Docstring" }, metadata: {} },
  ]);
});

test("a display keeps its id and a result its count", () => {
  const { items } = run([
    message("display_data", {
      data: { a: 1 },
      metadata: {},
      transient: { display_id: "d" },
    }),
    message("execute_result", { data: { "text/plain": "2" }, execution_count: 3 }),
  ]);
  expect(items).toMatchObject([{ display_id: "d" }, { execution_count: 3 }]);
});

test("a reply without the fields it should have counts as an error and nothing breaks", () => {
  const { progress } = run([message("execute_reply", {}), IDLE]);
  expect(stateOf(progress)).toBe("error");
});

test("in every order a run that was aborted in its midst is an error that says that it was interrupted", () => {
  for (const status of ["abort", "aborted"]) {
    const stopped = message("execute_reply", { status });
    for (const order of permutations([BUSY, INPUT, stopped])) {
      const { progress, items } = run([...order, IDLE]);
      expect(stateOf(progress)).toBe("error");
      expect(items).toEqual([
        {
          type: "error",
          ename: "Interrupted",
          evalue: "the kernel stopped this run before its end",
          traceback: [],
        },
      ]);
    }
  }
});

test("an error of which the kernel says nothing is told in words of our own", () => {
  const { items } = run([message("execute_reply", { status: "error" }), IDLE]);
  expect(items).toMatchObject([
    {
      ename: "",
      evalue: 'the kernel ended the run with status "error" and said no more',
    },
  ]);
});
