import { expect, test } from "vitest";
import type { Message } from "../../../src/jupyter/messages.ts";
import { Questions } from "../../../src/kernel/questions.ts";

function message(
  channel: Message["channel"],
  msg_type: string,
  content: Message["content"] = {},
): Message {
  const header = { msg_id: "m", msg_type, session: "s" };
  return { channel, header, parent_header: null, metadata: {}, content };
}

const REPLY = message("shell", "inspect_reply", { status: "ok", found: true });
const BUSY = message("iopub", "status", { execution_state: "busy" });
const IDLE = message("iopub", "status", { execution_state: "idle" });
const DISPLAY = message("iopub", "display_data", { data: { "text/plain": "1" } });

/** Asks, and lets the kernel answer with these messages. */
async function answer(...messages: readonly Message[]) {
  const questions = new Questions();
  return questions.ask("k", "q", () => {
    for (const each of messages)
      queueMicrotask(() => expect(questions.take("q", each)).toBe(true));
  });
}

test.for([
  ["before idle", [BUSY, DISPLAY, REPLY, IDLE]],
  ["after idle", [BUSY, DISPLAY, IDLE, REPLY]],
  ["without busy", [DISPLAY, REPLY, IDLE]],
] as const)("a reply %s is an answer, with what was published", async ([, messages]) => {
  const { reply, published } = await answer(...messages);
  expect(reply).toEqual({ status: "ok", found: true });
  expect(published).toEqual(messages.includes(BUSY) ? [BUSY, DISPLAY] : [DISPLAY]);
});

test("a kernel that goes idle and never replies has answered with nothing", async () => {
  expect((await answer(BUSY, IDLE)).reply).toBeNull();
});

test("what belongs to no question is left to others", () => {
  const questions = new Questions();
  expect(questions.take("other", REPLY)).toBe(false);
  expect(questions.areOpen).toBe(false);
});

test("a question that is cut off fails at once, and is open no more", async () => {
  const questions = new Questions();
  const asked = questions.ask("4f1c", "q", () => undefined);
  expect(questions.areOpen).toBe(true);
  questions.abandon("4f1c");
  await expect(asked).rejects.toMatchObject({
    failure: { code: "connection_lost", kernel: "4f1c" },
  });
  expect(questions.areOpen).toBe(false);
});

test("what comes after all of a question that is over goes nowhere", async () => {
  const questions = new Questions();
  const asked = questions.ask("k", "q", () => undefined);
  questions.abandon("k");
  await expect(asked).rejects.toThrow();
  expect(questions.take("q", DISPLAY)).toBe(true);
});

test("a question that cannot be sent is open no more", async () => {
  const questions = new Questions();
  const asked = questions.ask("k", "q", () => {
    throw new Error("closed");
  });
  await expect(asked).rejects.toThrow("closed");
  expect(questions.areOpen).toBe(false);
});
