import { env } from "cloudflare:workers";
import { listDurableObjectIds } from "cloudflare:test";
import { expect, inject, test } from "vitest";
import { hashServer, roomName } from "../../src/identity.ts";
import type { McpClient } from "../support/mcp-client.ts";
import { arrivedAt, connectWith, localUrl, signIn } from "./support.ts";

/** Whether somebody has entered a notebook's room there, and as whom. */
async function rooms(server: "teamServer" | "ownServer"): Promise<readonly string[]> {
  const arrived = await arrivedAt(server);
  return arrived
    .filter(({ path }) => path.startsWith("/api/collaboration/room/json:notebook:"))
    .map(({ headers }) => headers["authorization"] ?? "");
}

async function madeAndRun(client: McpClient, path: string): Promise<void> {
  const cells = [{ cell_type: "code", source: "6 * 7" }];
  const made = await client.call("create_notebook", { path, cells });
  expect(made.isError, made.text).toBe(false);
  const ran = await client.call("run_cells", { path, cells: "all" });
  expect(ran.isError, ran.text).toBe(false);
  const read = await client.call("read_notebook", { path, cells: "all" });
  expect(read.text).toContain("42");
}

test("a person who has signed in is in the rooms of their own server, where that has any, with their own token", async () => {
  const team = inject("teamServer");
  const own = inject("ownServer");
  const { access_token } = await signIn({ token: team.token });
  const one = await connectWith(access_token);
  await madeAndRun(one, "in-room.ipynb");
  const entered = await rooms("teamServer");
  expect(entered.length).toBeGreaterThan(0);
  expect(new Set(entered)).toEqual(new Set([`token ${team.token}`]));
  const signedIn = await signIn({ token: own.token, server: localUrl(own.port) });
  await madeAndRun(await connectWith(signedIn.access_token), "as-file.ipynb");
  expect(await rooms("ownServer")).toEqual([]);
  // Its object is named after the person and the server; of the notebook there is a hash.
  const ids = await listDurableObjectIds(env.NOTEBOOK_ROOM);
  const [principal = ""] = access_token.split(":");
  const owner = { principal, serverHash: await hashServer(localUrl(team.port)) };
  const name = await roomName(owner, "in-room.ipynb");
  expect(name).toMatch(/^[a-z2-7]{52}\/[a-z2-7]{16}\/[a-z2-7]{52}$/);
  expect(ids.map(String)).toContain(String(env.NOTEBOOK_ROOM.idFromName(name)));
});
