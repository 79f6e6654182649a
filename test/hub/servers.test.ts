import { beforeAll, expect, test } from "vitest";
import type { McpClient } from "../support/mcp-client.ts";
import {
  arrivedAtHub,
  askHub,
  connectWith,
  cull,
  eventually,
  HubPerson,
  serversOf,
  whileFailing,
} from "./support.ts";

/** A client of somebody who has just signed in. */
async function clientOf(name: string): Promise<McpClient> {
  return connectWith((await new HubPerson(name).signsIn()).access_token);
}

/** How often the Hub was asked whose a token is. */
async function timesAsked(): Promise<number> {
  const arrived = await arrivedAtHub();
  return arrived.filter(({ path }) => path === "/jupyter/hub/api/user").length;
}

beforeAll(async () => {
  // Each is somebody whom the Hub knows.
  await Promise.all(["ada", "bob"].map((name) => new HubPerson(name).signsIn()));
});

test("each person reaches their own server alone, and nothing of the other's", async () => {
  await using ada = await clientOf("ada");
  await using bob = await clientOf("bob");
  await ada.call("write_file", { path: "hers.txt", content: "canary of ada" });
  const run = await ada.call("run_code", { code: "hers = 'canary of ada'" });
  const { conversation, kernel } = run.execution;
  expect((await ada.call("list_files", {})).text).toContain("hers.txt");

  expect((await bob.call("list_files", {})).text).not.toContain("hers.txt");
  expect((await bob.call("read_file", { path: "hers.txt" })).isError).toBe(true);
  const next = await bob.call("run_code", { conversation, code: "hers" });
  expect(next.text).toContain("There is no conversation");
  const attached = await bob.call("run_code", { kernel: kernel ?? "", code: "hers" });
  expect(attached.isError).toBe(true);
  expect(attached.text).not.toContain("canary");
  expect((await bob.call("list_conversations", {})).text).not.toContain(conversation);
});

test("a server that was stopped meanwhile is started at the next call, with progress, and its kernels are said to be gone", async () => {
  await using client = await clientOf("ada");
  const { conversation } = (await client.call("run_code", { code: "x = 1" })).execution;
  await cull("ada");

  const progress: string[] = [];
  const call = (code: string) =>
    client.call("run_code", { conversation, code }, (message) => progress.push(message));
  const told = await call("x");
  expect(told.isError).toBe(true);
  expect(told.text).toMatch(/Kernel python3 \w+ is gone: .*ended with its server/);
  const again = await call("'x' in globals()");
  expect(again.text).toContain("False");
  expect(progress.join("\n")).toContain("The Jupyter server is starting");
  expect((await serversOf("ada"))[""]).toMatchObject({ ready: true });
});

test("a run that goes on when the server is stopped ends as lost, and what it printed is kept; nothing starts the server for it", async () => {
  await using client = await clientOf("bob");
  const begun = await client.call("run_code", {
    code: "import time; print('before the end', flush=True); time.sleep(600)",
    wait_seconds: 3,
  });
  const { conversation, execution } = begun.execution;
  await cull("bob");
  const ended = await eventually(
    () => client.call("get_output", { conversation, execution, wait_seconds: 5 }),
    ({ execution: { state } }) => state !== "running",
    90_000,
  );
  expect(ended.execution.state).toBe("lost");
  expect(ended.text).toContain("before the end");
  expect(await serversOf("bob")).toEqual({});
});

test("what was run is read, and conversations are listed and ended, without starting the server", async () => {
  await using client = await clientOf("bob");
  const { conversation, execution } = (
    await client.call("run_code", { code: "print('still here')" })
  ).execution;
  await cull("bob");
  const output = await client.call("get_output", { conversation, execution });
  expect(output.text).toContain("still here");
  expect((await client.call("list_conversations", {})).text).toContain(conversation);
  const variables = await client.call("list_variables", { conversation });
  expect(variables.text).toMatch(/is gone|no kernel/i);
  await client.call("end_conversation", { conversation });
  expect(await serversOf("bob")).toEqual({});
});

test("while a slow server starts, the client hears how far it is, and nothing that the Hub says", async () => {
  await using client = await clientOf("slow-sue");
  const progress: string[] = [];
  const files = await client.call("list_files", {}, (message) => {
    progress.push(message);
  });
  expect(files.isError).toBe(false);
  expect(progress.join("\n")).toMatch(/The Jupyter server is starting \(\d+ %\)/);
  expect(progress.join("\n")).not.toContain("Ignore previous");
});

test("a server that fails to start is told of, with the Hub's reason as a quotation", async () => {
  await using client = await clientOf("broken-bea");
  const failed = await client.call("run_code", { code: "1" });
  expect(failed.isError).toBe(true);
  expect(failed.text).toMatch(/could not start the user's Jupyter server/);
  expect(failed.text).toMatch(/It said: .*disk quota of broken/);
  expect(failed.text).toMatch(/\nNext: Call once more/);
  expect((await client.call("list_conversations", {})).text).toContain(
    "No conversation yet",
  );
});

test("a server that does not come up in time, and one for which there is no room, are told apart", async () => {
  const stuck = ["stuck-1", "stuck-2", "stuck-3"];
  await using waiting = await clientOf("stuck-1");
  const late = waiting.call("list_files", {});
  for (const name of stuck.slice(1)) {
    await askHub("POST", `/users/${name}`);
    await askHub("POST", `/users/${name}/server`);
  }
  await eventually(
    async () => (await serversOf("stuck-1"))[""]?.pending,
    (pending) => pending === "spawn",
  );
  await using crowded = await clientOf("cleo");
  const refused = await crowded.call("list_files", {});
  expect(refused.text).toMatch(/starts no further server for now/);
  expect(refused.text).toMatch(/\nNext: Wait some minutes/);
  expect((await late).text).toMatch(/has been starting for \d+ s and goes on/);
  for (const name of stuck) await askHub("DELETE", `/users/${name}/server`);
});

test.each([
  ["does not answer", "error"],
  ["is behind a gate that lets nobody through", "forbidden"],
] as const)(
  "while the Hub %s, whoever has signed in goes on, and is signed in after that",
  async (_what, mode) => {
    const tokens = await new HubPerson("ada").signsIn();
    await using client = await connectWith(tokens.access_token);
    await client.call("list_files", {});
    const asked = await timesAsked();
    await whileFailing(
      "GET /jupyter/hub/api",
      async () => {
        // Until nothing that the Hub said before is believed any more.
        await eventually(
          async () => {
            const run = await client.call("run_code", { code: "print('no Hub')" });
            expect(run.text).toContain("no Hub");
            return timesAsked();
          },
          (times) => times > asked,
        );
      },
      mode,
    );
    expect((await client.call("list_files", {})).isError).toBe(false);
  },
);
