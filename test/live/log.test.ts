import { expect, inject, test } from "vitest";
import { notebookOf } from "../integration/notebook-support.ts";
import { connect, cutConnections } from "../integration/support.ts";
import { LogLines } from "../support/log-lines.ts";
import { Person } from "./person.ts";
import { created } from "./support.ts";

test("no line of a notebook in its room has code, output, what a person types, or the token", async () => {
  using log = new LogLines();
  await using client = await connect();
  const path = "logged.ipynb";
  const { ids } = await created(client, path, ["print('the canary-' + 'output')"]);
  await using ada = await Person.opens(path);
  ada.types(0, " # canary-typed");
  await ada.hasSent();
  const run = async () => {
    const ran = await client.call("run_cells", { path, cells: "all", wait_seconds: 30 });
    expect(ran.text).toContain("the canary-output");
    return ran;
  };
  const { conversation } = (await run()).execution;
  await cutConnections();
  await run();
  const { version } = notebookOf(await client.call("read_notebook", { path }));
  const source = "raise ValueError('the canary-' + 'error')";
  const edits = [{ op: "insert", after: ids[0], cell_type: "code", source }];
  const edited = await client.call("edit_notebook", { path, version, edits });
  expect(edited.isError, edited.text).toBe(false);
  await client.call("run_cells", { path, cells: "all", conversation, wait_seconds: 30 });
  await client.call("edit_notebook", { path, version: "nothing", edits });

  expect(log.with({ event: "call", name: "run_cells" }).length).toBeGreaterThan(1);
  for (const text of log.texts) {
    expect(text).not.toContain("canary");
    expect(text).not.toContain(inject("jupyter").token);
  }
});
