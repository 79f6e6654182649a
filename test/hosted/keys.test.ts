import { env } from "cloudflare:workers";
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { expect, inject, test } from "vitest";
import { DEPLOYMENT_NAME } from "../../src/account/deployment.ts";
import worker from "../../src/index.ts";
import { hashServer, workspaceName } from "../../src/identity.ts";
import { Sealer } from "../../src/sealing.ts";
import { connectWith, localUrl, signIn } from "./support.ts";

const PRESENT = "a sealing key of more than thirty-two characters";
const OTHER = "another sealing key of more than thirty-two characters";

test("a secret that no key opens is set aside, and used again when one does", async () => {
  const stub = env.DEPLOYMENT.getByName(DEPLOYMENT_NAME);
  const first = await stub.identitySecret();
  expect(await stub.identitySecret()).toBe(first);
  const moveTo = (secret: string, from: string, to: string) =>
    runInDurableObject(stub, async (_instance, { storage }) => {
      const [row] = storage.sql
        .exec<{ sealed: string }>("SELECT sealed FROM secrets WHERE number = 1")
        .toArray();
      const opened = await new Sealer([from]).open(row?.sealed ?? "", DEPLOYMENT_NAME);
      expect(opened.text).toBe(secret);
      const sealed = await new Sealer([to]).seal(secret, DEPLOYMENT_NAME);
      storage.sql.exec("UPDATE secrets SET sealed = ? WHERE number = 1", sealed);
    });
  await moveTo(first, PRESENT, OTHER);
  const second = await stub.identitySecret();
  expect(second).not.toBe(first);
  await moveTo(first, OTHER, PRESENT);
  expect(await stub.identitySecret()).toBe(first);
});

test("credentials are sealed anew under the present key, by themselves", async () => {
  const { port, token } = inject("teamServer");
  const { access_token } = await signIn({ token });
  await using client = await connectWith(access_token);
  await client.call("run_code", { code: "1" });
  const name = workspaceName({
    principal: access_token.split(":")[0] ?? "",
    serverHash: await hashServer(localUrl(port)),
  });
  const stub = env.WORKSPACE.getByName(name);
  const sealedNow = () =>
    runInDurableObject(
      stub,
      (_instance, { storage }) =>
        storage.sql.exec<{ sealed: string }>("SELECT sealed FROM credentials").one()
          .sealed,
    );
  const before = await sealedNow();
  expect((await new Sealer([PRESENT]).open(before, name)).text).toContain(token);
  await expect(new Sealer([OTHER]).open(before, name)).rejects.toThrow();
  expect(await runDurableObjectAlarm(stub)).toBe(true);
  expect((await new Sealer([PRESENT]).open(await sealedNow(), name)).isOutdated).toBe(
    false,
  );
});

async function countGrants(): Promise<number> {
  return (await env.OAUTH_KV.list({ prefix: "grant:" })).keys.length;
}

test("the cron trigger sweeps out grants that nothing leads to any more", async () => {
  const { token } = inject("teamServer");
  const { clientId } = await signIn({ token });
  const kept = await signIn({ token });
  const before = await countGrants();
  await env.OAUTH_KV.delete(`client:${clientId}`);
  await worker.scheduled({ cron: "", scheduledTime: 0, noRetry: () => undefined }, env);
  expect(await countGrants()).toBe(before - 1);
  await using client = await connectWith(kept.access_token);
  expect((await client.call("list_kernels", {})).isError).toBe(false);
});
