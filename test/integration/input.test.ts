import { expect, test } from "vitest";
import { connect } from "./support.ts";

test("input() makes a run wait, and send_input lets it go on", async () => {
  await using client = await connect();
  const asked = await client.call("run_code", {
    code: "name = input('Name? ')\nprint('Hello', name)",
  });
  expect(asked.execution.state).toBe("waiting for input");
  expect(asked.isError).toBe(false);
  expect(asked.text).toContain(
    'The code asks: "Name? "\nNext: send_input conversation: ',
  );
  const { conversation, execution } = asked.execution;
  const answered = await client.call("send_input", {
    conversation,
    execution,
    text: "Ada",
  });
  expect(answered.execution.state).toBe("ok");
  expect(answered.text).toContain("Hello Ada");
  const whole = await client.call("get_output", { conversation, execution });
  expect(whole.text).toContain("Name? Ada\nHello Ada");
});

test("several prompts in a row are answered one by one", async () => {
  await using client = await connect();
  const asked = await client.call("run_code", {
    code: "int(input('a ')) + int(input('b '))",
  });
  const { conversation, execution } = asked.execution;
  const second = await client.call("send_input", { conversation, execution, text: "40" });
  expect(second.execution.state).toBe("waiting for input");
  expect(second.text).toContain('"b "');
  const done = await client.call("send_input", { conversation, execution, text: "2" });
  expect(done.text).toContain("42");
});

test("a password prompt says that its answer passes through the chat, and the answer is not kept", async () => {
  await using client = await connect();
  const asked = await client.call("run_code", {
    code: "from getpass import getpass\nsecret = getpass('Token: ')\nprint(len(secret))",
  });
  expect(asked.text).toContain(
    "It is a password: the answer will pass through this chat",
  );
  const { conversation, execution } = asked.execution;
  const answered = await client.call("send_input", {
    conversation,
    execution,
    text: "hunter2hunter2",
  });
  expect(answered.text).toContain("14");
  const whole = await client.call("get_output", { conversation, execution });
  expect(whole.text).not.toContain("hunter2");
});

test.for([
  ["input()", "input('stuck? ')", "waiting for input"],
  ["a sleep", "import time; time.sleep(60)", "running"],
  ["a busy loop", "while True: pass", "running"],
] as const)("an interrupt ends %s and keeps the variables", async ([, code, state]) => {
  await using client = await connect();
  const { conversation } = (await client.call("run_code", { code: "kept = 'yes'" }))
    .execution;
  const begun = await client.call("run_code", { code, conversation, wait_seconds: 1 });
  expect(begun.execution.state).toBe(state);
  const interrupted = await client.call("interrupt_kernel", { conversation });
  expect(interrupted.text).toMatch(/^Interrupted python3 [0-9a-f]{8}\.\ne2 · error/);
  const ended = await client.call("get_output", { conversation, execution: "e2" });
  expect(ended.text).toContain("KeyboardInterrupt");
  expect((await client.call("run_code", { code: "kept", conversation })).text).toContain(
    "yes",
  );
});

test("a run behind one that waits for input says so at once", async () => {
  await using client = await connect();
  const { conversation } = (await client.call("run_code", { code: "input('first ')" }))
    .execution;
  const behind = await client.call("run_code", {
    code: "2",
    conversation,
    wait_seconds: 50,
  });
  expect(behind.execution.state).toBe("running");
  expect(behind.text).toMatch(
    /Queued behind e1 on the same kernel, which waits for input\.\nNext: send_input .*"e1"/,
  );
  await client.call("send_input", { conversation, execution: "e1", text: "go" });
  const done = await client.call("get_output", { conversation, execution: "e2" });
  expect(done.execution.state).toBe("ok");
});
