import { expect, inject, test } from "vitest";
import { connect, eventually } from "../integration/support.ts";
import type { Called, McpClient } from "../support/mcp-client.ts";
import { installed, RECALLED, type Language } from "./table.ts";

/** More than the kernels need to start and to compile, on two cores that others use too. */
const WAIT_SECONDS = 50;

const LANGUAGES = installed(inject("languages"));
const NAMED = LANGUAGES.map((language) => [language.name, language] as const);

/** Starts a kernel that keeps a 42, in a conversation of its own. */
async function start(client: McpClient, { name, remember }: Language) {
  const begun = await client.call("run_code", {
    code: remember,
    kernel: name,
    wait_seconds: WAIT_SECONDS,
  });
  expect(begun.execution.state, begun.text).toBe("ok");
  const { conversation, kernel } = begun.execution;
  return {
    conversation,
    kernel,
    run: (code: string, onProgress?: (message: string) => void) =>
      client.call(
        "run_code",
        { code, conversation, wait_seconds: WAIT_SECONDS },
        onProgress,
      ),
    /** Begins code that goes on and on, and waits for its first words. */
    async begin(code: string): Promise<Called> {
      const call = { conversation, wait_seconds: 1 };
      const { execution } = (await client.call("run_code", { code, ...call })).execution;
      return eventually(
        () => client.call("get_output", { execution, ...call }),
        ({ text }) => text.includes("begun"),
      );
    },
  };
}

test.for(NAMED)("%s: each of its names means the same kernel", async ([, language]) => {
  await using client = await connect();
  const { conversation, kernel } = await start(client, language);
  for (const name of [language.kernelspec, ...language.aliases]) {
    const same = await client.call("run_code", {
      code: language.recall,
      conversation,
      kernel: name,
      wait_seconds: WAIT_SECONDS,
    });
    expect(same.execution.kernel, name).toBe(kernel);
    expect(same.text).toMatch(RECALLED);
  }
});

test.for(NAMED)(
  "%s: variables persist, and a failure leaves them",
  async ([, language]) => {
    await using client = await connect();
    const { run } = await start(client, language);
    expect((await run(language.recall)).text).toMatch(RECALLED);
    const failed = await run(language.fail);
    expect(failed.execution.state, failed.text).toBe("error");
    expect(failed.isError).toBe(true);
    expect(failed.text).toMatch(language.failure);
    const after = await run(language.recall);
    expect(after.execution).toMatchObject({ state: "ok", generation: 1 });
    expect(after.text).toMatch(RECALLED);
  },
);

test.for(NAMED)(
  "%s: progress tells what it prints while it runs",
  async ([, language]) => {
    await using client = await connect();
    const { run } = await start(client, language);
    const told: string[] = [];
    const result = await run(language.count, (message) => told.push(message));
    const lines = Array.from({ length: 10 }, (_, line) => `line ${line}`);
    expect(result.text.match(/line \d/g)).toEqual(lines);
    const inTime = told.filter((message) => /line \d/.test(message));
    expect(inTime.length).toBeGreaterThan(2);
    expect(inTime[0]).toContain("line 0");
    expect(inTime[0]).not.toContain("line 9");
  },
);

test.for(NAMED)(
  "%s: an interrupt ends a run, and what it costs is said",
  async ([, language]) => {
    await using client = await connect();
    const { conversation, run, begin } = await start(client, language);
    const { execution } = (await begin(language.endless)).execution;
    const told = await client.call("interrupt_kernel", { conversation });
    const hasEnded = language.interruptLeaves === "another kernel";
    expect(told.text.includes("its process did not survive it"), told.text).toBe(
      hasEnded,
    );
    const ended = await client.call("get_output", { conversation, execution });
    expect(ended.execution.state).toBe(hasEnded ? "lost" : "error");
    expect(ended.text).toMatch(language.interrupted);
    const after = await run(language.recall);
    expect(RECALLED.test(after.text)).toBe(language.interruptLeaves === "variables");
    expect(after.execution.generation).toBe(hasEnded ? 2 : 1);
    expect(after.text.includes("earlier variables are gone")).toBe(hasEnded);
  },
);

test.for(NAMED)(
  "%s: a restart and a death are counted and told of",
  async ([, language]) => {
    await using client = await connect();
    const { conversation, kernel, run } = await start(client, language);
    const restarted = await client.call("restart_kernel", { conversation });
    expect(restarted.text).toContain("generation 2");
    const second = await run(language.recall);
    // A process that is started in place of one may die of that, and Jupyter starts another.
    const { generation } = second.execution;
    expect(second.execution.kernel).toBe(kernel);
    expect(generation).toBeGreaterThan(1);
    expect(second.text).toContain(
      `(generation ${generation}): earlier variables are gone`,
    );
    expect(second.text).not.toMatch(RECALLED);
    const again = (await run(language.remember)).execution.generation;
    const died = await run(language.die);
    expect(died.execution).toMatchObject({ state: "lost", generation: again });
    expect(died.text).toContain("the kernel's process died while it ran");
    const third = await run(language.recall);
    expect(third.execution.kernel).toBe(kernel);
    expect(third.execution.generation).toBeGreaterThan(again ?? 0);
    expect(third.text).toContain(
      `(generation ${third.execution.generation}): earlier variables are gone`,
    );
    expect(third.text).not.toMatch(RECALLED);
  },
);

test.for(NAMED.filter(([, { input }]) => input !== null))(
  "%s: a run that asks for input waits for it",
  async ([, language]) => {
    await using client = await connect();
    const { conversation, run } = await start(client, language);
    const asked = await run(language.input ?? "");
    expect(asked.execution.state, asked.text).toBe("waiting for input");
    expect(asked.text).toContain('The code asks: "Name? "');
    const { execution } = asked.execution;
    const answer = { conversation, execution, text: "Ada" };
    const answered = await client.call("send_input", answer);
    expect(answered.execution.state).toBe("ok");
    expect(answered.text).toContain("Hello Ada");
  },
);

test.for(NAMED)("%s: a picture comes with the result", async ([, language]) => {
  await using client = await connect();
  const { run } = await start(client, language);
  const result = await run(language.plot);
  expect(result.images, result.text).toMatchObject([{ mimeType: "image/png" }]);
  expect(result.text).toContain("[image 1: image/png");
});
