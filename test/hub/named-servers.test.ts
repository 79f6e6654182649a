import { inject, expect, test } from "vitest";
import { hubServerUrl } from "../../src/credentials.ts";
import { judgeByHub, whenRunning } from "../../src/jupyter/hub-server.ts";
import { listKernels } from "../../src/jupyter/kernels.ts";
import { JupyterServer } from "../../src/jupyter/server.ts";
import { HUB_SCOPES } from "../../src/auth/jupyterhub.ts";
import { askHub, serversOf } from "./support.ts";

/** A person's server of that name, with a token that has what this Worker asks for and no more. */
async function addressOf(user: string, server: string) {
  await askHub("POST", `/users/${encodeURIComponent(user)}`);
  const answer = await fetch(
    `${inject("hub").url}/hub/api/users/${encodeURIComponent(user)}/tokens`,
    {
      method: "POST",
      headers: { authorization: `token ${inject("hub").adminToken}` },
      body: JSON.stringify({
        scopes: HUB_SCOPES.map((scope) => scope.replace("!user", `!user=${user}`)),
      }),
    },
  );
  const { token }: { token: string } = await answer.json();
  const hub = { url: inject("hub").url, user, server };
  const httpUrl = hubServerUrl(hub);
  return { httpUrl, wsUrl: httpUrl.replace(/^http/, "ws"), token, headers: {}, hub };
}

test("a named server is started beside the default one, which stays as it is", async () => {
  const address = await addressOf("nora", "assistant");
  await whenRunning(address, () => undefined);
  expect(await listKernels(new JupyterServer(address, judgeByHub))).toEqual([]);
  const servers = await serversOf("nora");
  expect(servers["assistant"]).toMatchObject({ ready: true });
  expect(servers[""]?.ready ?? false).toBe(false);
});

test.each(["o'hara@example.org", "päivi", "a+b"])(
  "a person called %s reaches their server",
  async (name) => {
    const address = await addressOf(name, "");
    await whenRunning(address, () => undefined);
    expect(await listKernels(new JupyterServer(address, judgeByHub))).toEqual([]);
  },
);

test("with somebody else's token a server is neither started nor reached", async () => {
  const { token } = await addressOf("nora", "");
  const theirs = { ...(await addressOf("otto", "")), token };
  await expect(listKernels(new JupyterServer(theirs, judgeByHub))).rejects.toThrow();
  await expect(whenRunning(theirs, () => undefined)).rejects.toMatchObject({
    failure: { code: "server_start_failed" },
  });
  expect((await serversOf("otto"))[""]?.ready ?? false).toBe(false);
});
