import {
  evictDurableObject,
  runDurableObjectAlarm,
  runInDurableObject,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, inject, test } from "vitest";
import { hashServer, LOCAL_PRINCIPAL, workspaceName } from "../../src/identity.ts";
import { connect, eventually, jupyter, stubOf } from "./support.ts";

const DAY_MS = 24 * 60 * 60_000;

/** What the object would do by itself, and in how many days. */
async function pendingIn(stub: Awaited<ReturnType<typeof stubOf>>) {
  return runInDurableObject(stub, async (_, { storage }) => ({
    due: storage.sql
      .exec<{ name: string }>("SELECT name FROM due_times")
      .toArray()
      .map(({ name }) => name),
    days: Math.round((((await storage.getAlarm()) ?? 0) - Date.now()) / DAY_MS),
  }));
}

test("an idle conversation has nothing pending but the end of its time, a month ahead: no socket, no timer", async () => {
  await using client = await connect();
  const { conversation, kernel } = (
    await client.call("run_code", { code: "print('done')" })
  ).execution;
  const stub = await stubOf(conversation);
  // It rings once more after the run, finds nothing to look after, and that was it.
  expect(await runDurableObjectAlarm(stub)).toBe(true);
  expect(await pendingIn(stub)).toEqual({ due: ["expire"], days: 30 });
  await eventually(
    async () => (await jupyter(`/api/kernels/${kernel}`)).json<{ connections: number }>(),
    ({ connections }) => connections === 0,
  );
  // This would hang for half a minute, and fail, if anything were still open.
  await evictDurableObject(stub);
  expect(await pendingIn(stub)).toEqual({ due: ["expire"], days: 30 });
  // The directory that it is in looks once a day whether there is something to remove.
  const serverHash = await hashServer(`http://127.0.0.1:${inject("gateway").port}`);
  const workspace = env.WORKSPACE.getByName(
    workspaceName({ principal: LOCAL_PRINCIPAL, serverHash }),
  );
  await evictDurableObject(workspace);
  const alarm = await runInDurableObject(workspace, (_, { storage }) =>
    storage.getAlarm(),
  );
  expect(Math.round(((alarm ?? 0) - Date.now()) / DAY_MS)).toBe(1);
});
