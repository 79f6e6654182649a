import { expect, inject, test } from "vitest";
import { connect, eventually } from "../integration/support.ts";
import { installed, type Look } from "./table.ts";

/** More than the kernels need to start and to compile, on two cores that others use too. */
const WAIT_SECONDS = 50;

const LANGUAGES = installed(inject("languages"));
const NAMED = LANGUAGES.map(({ name, look }) => [name, look] as const);
const SEEN = NAMED.flatMap(([name, look]): [string, NonNullable<Look["variables"]>][] =>
  look.variables === null ? [] : [[name, look.variables]],
);

/** Without IPython's own names for the runs themselves. */
function withoutRuns(lines: readonly string[]): string[] {
  return lines.map((line) => line.replaceAll(/'_i\d+', /g, ""));
}

async function begin(kernel: string, code: string) {
  const client = await connect();
  const call = { wait_seconds: WAIT_SECONDS };
  const { text, execution } = await client.call("run_code", { ...call, code, kernel });
  expect(execution.state, text).toBe("ok");
  const { conversation } = execution;
  return {
    execution: execution.execution,
    call: (tool: string, args: object = {}) =>
      client.call(tool, { conversation, ...args }),
    run: async (more: string) =>
      (await client.call("run_code", { ...call, code: more, conversation })).text,
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

test.for(SEEN)(
  "%s: variables are listed and told of, secrets and what is slow are not",
  async ([name, { make, listed, name: one, detail }]) => {
    await using kernel = await begin(name, make);
    const list = await kernel.call("list_variables");
    for (const line of listed) expect(list.text).toMatch(line);
    const told = await kernel.call("list_variables", { name: one });
    expect(told.text).toMatch(detail);
    const secret = await kernel.call("list_variables", { name: "secret" });
    expect(secret.text).toMatch(/looks? like a secret/);
    expect(list.text + secret.text).not.toContain("canary");
    const some = await kernel.call("list_variables", { pattern: "num*" });
    expect(some.text).toMatch(/^1 variable .*\nnumbers {2}/);
    const missing = await kernel.call("list_variables", { name: "number" });
    expect(missing.isError).toBe(true);
    expect(missing.text).toMatch(/^There is no variable "number"/);
  },
);

test.for(SEEN)(
  "%s: a look leaves no trace in the kernel",
  async ([name, { make, name: one, traces }]) => {
    await using kernel = await begin(name, make);
    const [, ...before] = (await kernel.run(traces)).split("\n");
    await kernel.call("list_variables");
    await kernel.call("list_variables", { name: one });
    await kernel.call("inspect_code", { code: one });
    await kernel.call("inspect_code", { code: one, mode: "complete" });
    const [, ...after] = (await kernel.run(traces)).split("\n");
    expect(withoutRuns(after)).toEqual(withoutRuns(before));
  },
);

test.for(NAMED.filter(([, { variables }]) => variables === null))(
  "%s: variables cannot be listed, and it is said what can be run",
  async ([name]) => {
    await using kernel = await begin(name, "kept=42");
    const list = await kernel.call("list_variables");
    expect(list.isError).toBe(true);
    expect(list.text).toMatch(
      /^The variables of \w+ \(\w+\) cannot be listed from outside; .*\nNext: Call run_code with "declare -p"/,
    );
  },
);

test.for(NAMED)("%s: help and completions are the kernel's own", async ([name, look]) => {
  await using kernel = await begin(name, look.variables?.make ?? "kept=42");
  const [partial, match] = look.complete;
  // A kernel that has to understand the code first may need a moment for that.
  const completed = await eventually(
    () => kernel.call("inspect_code", { code: partial, mode: "complete" }),
    ({ text }) => text.includes(`\n${match}`),
  );
  expect(completed.isError).toBe(false);
  if (look.help === null) {
    const none = await kernel.call("inspect_code", { code: partial });
    expect(none.text).toMatch(
      /The kernel has no help for|does not answer inspect_request/,
    );
    return;
  }
  const [code, says] = look.help;
  const help = await kernel.call("inspect_code", { code });
  expect(help.text).toMatch(says);
});

test.for(
  NAMED.flatMap(([name, { later }]): [string, string][] =>
    later === null ? [] : [[name, later]],
  ),
)(
  "%s: what is printed after a run stays with it, whatever the kernel is asked meanwhile",
  async ([name, later]) => {
    await using kernel = await begin(name, later);
    const read = await eventually(
      async () => {
        await kernel.call("list_variables");
        return kernel.call("get_output", {
          execution: kernel.execution,
          wait_seconds: 0,
        });
      },
      ({ text }) => text.includes("later 9"),
    );
    expect(read.text.match(/later \d/g)).toEqual(
      Array.from({ length: 10 }, (_, index) => `later ${index}`),
    );
  },
);
