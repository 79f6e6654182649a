import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect } from "vitest";
import { eventually } from "../support/eventually.ts";
import { connectClient } from "../support/mcp-client.ts";
import {
  beginCounting,
  expectCompleteOrMarked,
  ON_ITS_WAY,
  test,
  workerOf,
} from "./counting.ts";
import { type Project, start, type Started } from "./support.ts";

/** Makes another version of the program, whose conversations have tables of that version where one is given. */
async function change({ root }: Project, version: string, tables?: number) {
  const edit = async (file: string, before: RegExp, after: string) => {
    const place = path.join(root, file);
    const text = await readFile(place, "utf8");
    expect(text).toMatch(before);
    await writeFile(place, text.replace(before, after));
  };
  if (tables !== undefined)
    await edit(
      path.join("src", "conversation", "storage.ts"),
      /version: \d+(?=,\s+versionTable: "meta")/,
      `version: ${tables}`,
    );
  await edit("package.json", /"version": "[^"]+"/, `"version": "${version}"`);
}

/** Waits until that version answers. */
async function deployed({ port }: Started, version: string): Promise<void> {
  await eventually(
    async () => {
      const answer = await fetch(`http://localhost:${port}/health`).catch(() => null);
      return answer?.ok === true ? answer.text() : "";
    },
    (text) => text.includes(`"version":"${version}"`),
  );
}

test("runs go through a kill and a stop of the Worker and the start of another version: each line once and in order, and variables stay", async ({
  project,
}) => {
  let counting: { conversation: string; execution: string };
  {
    await using first = await start(project);
    counting = await beginCounting(first);
    for (const { pid } of workerOf(first)) process.kill(pid, "SIGKILL");
    await first.end();
  }
  await change(project, "0.2.0");
  {
    await using second = await start(project);
    await deployed(second, "0.2.0");
    await expectCompleteOrMarked(second, counting, ON_ITS_WAY);
    counting = await beginCounting(second);
    await second.stop("SIGINT to the group");
  }
  await change(project, "0.3.0");
  await using third = await start(project);
  await deployed(third, "0.3.0");
  await expectCompleteOrMarked(third, counting, ON_ITS_WAY);
  await using client = await connectClient("modern", third.url);
  const { conversation } = counting;
  const variable = await client.call("run_code", { conversation, code: "i" });
  expect(variable.text).toContain("119");
});

test("a run goes through a newer version, the one before, which refuses it, and the newer one again", async ({
  project,
}) => {
  const storage = path.join(project.root, "src", "conversation", "storage.ts");
  const present = Number(
    /version: (\d+),\s+versionTable/.exec(await readFile(storage, "utf8"))?.[1],
  );
  let counting: { conversation: string; execution: string };
  const read = async (server: Started) => {
    await using client = await connectClient("modern", server.url);
    return await client.call("get_output", { ...counting, wait_seconds: 0 });
  };
  {
    await using first = await start(project);
    counting = await beginCounting(first);
  }
  await change(project, "0.4.0", present + 1);
  {
    await using newer = await start(project);
    await deployed(newer, "0.4.0");
    const taken = await read(newer);
    expect(taken.isError, taken.text).toBe(false);
  }
  await change(project, "0.4.1", present);
  {
    await using older = await start(project);
    await deployed(older, "0.4.1");
    const refused = await read(older);
    expect(refused.isError, refused.text).toBe(true);
    expect(refused.text).toMatch(
      /was written by a newer version[\s\S]*deploy the newer version again/,
    );
  }
  await change(project, "0.4.2", present + 1);
  await using newerAgain = await start(project);
  await deployed(newerAgain, "0.4.2");
  await expectCompleteOrMarked(newerAgain, counting);
});
