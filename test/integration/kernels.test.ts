import { expect, test } from "vitest";
import { connect, eventually, jupyter } from "./support.ts";

test("restart_kernel says what is lost, and the next result says that variables are gone", async () => {
  await using client = await connect();
  const { conversation, kernel } = (await client.call("run_code", { code: "x = 1" }))
    .execution;
  await client.call("run_code", {
    code: "import time; time.sleep(60)",
    conversation,
    wait_seconds: 0,
  });
  const restarted = await client.call("restart_kernel", { conversation });
  expect(restarted.text).toMatch(
    /generation 2.*variables, imports and definitions are gone\..*lost with it: e2/,
  );
  const lost = await client.call("get_output", { conversation, execution: "e2" });
  expect(lost.execution).toMatchObject({ state: "lost", generation: 1 });
  expect(lost.isError).toBe(true);
  expect(lost.text).toContain("restart_kernel was called");
  const next = await client.call("run_code", { code: "'x' in globals()", conversation });
  expect(next.execution).toMatchObject({ kernel, generation: 2 });
  expect(next.text).toContain("False");
});

test("os._exit(1) ends the run as lost, and the next result tells of the restart", async () => {
  await using client = await connect();
  const { conversation } = (await client.call("run_code", { code: "x = 1" })).execution;
  const died = await client.call("run_code", {
    code: "print('last words', flush=True)\nimport os; os._exit(1)",
    conversation,
  });
  expect(died.execution.state).toBe("lost");
  expect(died.isError).toBe(true);
  expect(died.text).toMatch(
    /Lost: the kernel's process died while it ran, and Jupyter restarted it \(generation 2\)/,
  );
  const next = await client.call("run_code", {
    code: "print('x' in globals())",
    conversation,
  });
  expect(next.execution).toMatchObject({ state: "ok", generation: 2 });
  expect(next.text).toContain(
    "The kernel was restarted (generation 2): earlier variables are gone.",
  );
  const after = await client.call("run_code", { code: "1", conversation });
  expect(after.text).not.toContain("was restarted");
});

test("a kernel deleted on the server is told of before anything runs without its variables", async () => {
  await using client = await connect();
  const { conversation, kernel } = (await client.call("run_code", { code: "x = 1" }))
    .execution;
  expect((await jupyter(`/api/kernels/${kernel}`, { method: "DELETE" })).status).toBe(
    204,
  );
  const told = await eventually(
    () => client.call("run_code", { code: "print('ran')", conversation }),
    () => true,
  );
  expect(told.isError).toBe(true);
  expect(told.text).toMatch(/(is gone|no longer on the server)/);
  expect(told.text).not.toContain("\nran");
  const next = await client.call("run_code", { code: "'x' in globals()", conversation });
  expect(next.execution).toMatchObject({ state: "ok", generation: 2 });
  expect(next.execution.kernel).not.toBe(kernel);
  expect(next.text).toContain(
    "The kernel was restarted (generation 2): earlier variables are gone.",
  );
});

test("a kernel deleted while it runs ends the run as lost, and nothing hangs", async () => {
  await using client = await connect();
  const code = "import time; print('begun', flush=True); time.sleep(60)";
  const { conversation, execution } = (
    await client.call("run_code", { code, wait_seconds: 1 })
  ).execution;
  const begun = await eventually(
    () => client.call("get_output", { conversation, execution, wait_seconds: 1 }),
    ({ text }) => /^begun$/m.test(text),
  );
  const { kernel } = begun.execution;
  expect((await jupyter(`/api/kernels/${kernel}`, { method: "DELETE" })).status).toBe(
    204,
  );
  const lost = await client.call("get_output", {
    conversation,
    execution,
    wait_seconds: 50,
  });
  expect(lost.execution.state).toBe("lost");
  expect(lost.text).toContain("Lost: the kernel was shut down by another client.");
});

test("a restart by another client is noticed by the next run", async () => {
  await using client = await connect();
  const { conversation, kernel } = (await client.call("run_code", { code: "x = 1" }))
    .execution;
  expect(
    (await jupyter(`/api/kernels/${kernel}/restart`, { method: "POST" })).status,
  ).toBe(200);
  const next = await client.call("run_code", {
    code: "print('x' in globals())",
    conversation,
  });
  expect(next.execution.generation).toBe(2);
  expect(next.text).toContain("False");
  expect(next.text).toContain(
    "The kernel was restarted (generation 2): earlier variables are gone.",
  );
});

test("shutdown_kernel ends a kernel, and the next run starts another one in its place", async () => {
  await using client = await connect();
  const { conversation, kernel } = (await client.call("run_code", { code: "x = 1" }))
    .execution;
  const ended = await client.call("shutdown_kernel", { conversation, kernel: "python" });
  expect(ended.text).toMatch(/^Shut down python3 [0-9a-f]{8}; its variables are gone\./);
  expect((await jupyter(`/api/kernels/${kernel}`)).status).toBe(404);
  const next = await client.call("run_code", { code: "'x' in globals()", conversation });
  expect(next.text).toContain("False");
  expect(next.execution.generation).toBe(2);
});

test("list_kernels names state, conversation and kernelspecs", async () => {
  await using client = await connect();
  const { conversation, kernel } = (await client.call("run_code", { code: "1" }))
    .execution;
  const listed = await client.call("list_kernels", { conversation });
  expect(listed.text).toMatch(
    new RegExp(
      `python3 ${kernel!.slice(0, 8)} · \\w+ since .* · this conversation \\(generation 1, current\\)`,
    ),
  );
  expect(listed.text).toMatch(
    /Kernelspecs: python3 \(python, default\), .*strange \(strange\)/,
  );
  expect(listed.meta["jupyter-edge/kernels"]).toMatchObject({
    kernels: expect.arrayContaining([
      expect.objectContaining({ id: kernel, conversation }),
    ]),
    kernelspecs: expect.arrayContaining([
      { name: "python3", language: "python" },
      { name: "strange", language: "strange" },
    ]),
  });
});

test("acting on another kernel does not make it the one that the next run goes to", async () => {
  await using client = await connect();
  const foreign = (await client.call("run_code", { code: "x = 'foreign'" })).execution;
  const { conversation, kernel } = (await client.call("run_code", { code: "x = 'own'" }))
    .execution;
  await client.call("interrupt_kernel", { conversation, kernel: foreign.kernel! });
  const after = await client.call("run_code", { code: "x", conversation });
  expect(after.text).toContain("'own'");
  await client.call("shutdown_kernel", { conversation, kernel: foreign.kernel! });
  const still = await client.call("run_code", { code: "x", conversation });
  expect(still.text).toContain("'own'");
  expect(still.execution).toMatchObject({ kernel, generation: 1 });
});

test("attaching to a running kernel says that its variables are there", async () => {
  await using client = await connect();
  const { kernel } = (await client.call("run_code", { code: "x = 7" })).execution;
  const attached = await client.call("run_code", { code: "x", kernel });
  expect(attached.text).toContain("attached to a running kernel, with its variables");
});
