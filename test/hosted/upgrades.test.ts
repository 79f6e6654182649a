import { abortAllDurableObjects, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, inject, test } from "vitest";
import { ACCOUNT_SCHEMA } from "../../src/account/account.ts";
import { DEPLOYMENT_NAME, DEPLOYMENT_SCHEMA } from "../../src/account/deployment.ts";
import { Sealer } from "../../src/sealing.ts";
import accountOfClients from "../storages/account-clients.sql?raw";
import accountOfConversations from "../storages/account-conversations.sql?raw";
import conversation from "../storages/conversation-4-signed-in.sql?raw";
import namedSecret from "../storages/deployment-named.sql?raw";
import numberedSecret from "../storages/deployment-numbered.sql?raw";
import workspace from "../storages/workspace-signed-in.sql?raw";
import { connectWith, fetchWith, RESOURCE, signIn } from "./support.ts";

/** The name of the object that a storage was taken from: what is sealed is bound to it. */
function nameIn(sql: string): string {
  return /of the object of the name (\S+)\.\n/.exec(sql)?.[1] ?? "";
}

/** Puts a storage into the object that has what `open` opens, and lets go of the object. */
async function store<T extends Rpc.DurableObjectBranded>(
  open: () => DurableObjectStub<T>,
  sql: string,
): Promise<void> {
  await runInDurableObject(open(), async (_instance, { storage }) => {
    await storage.deleteAll();
    storage.sql.exec(sql);
  });
  await abortAllDurableObjects();
}

async function setVersion<T extends Rpc.DurableObjectBranded>(
  open: () => DurableObjectStub<T>,
  version: number,
): Promise<void> {
  await runInDurableObject(open(), (_instance, { storage }) => {
    storage.sql.exec("UPDATE schema_version SET version = ?", version);
  });
  await abortAllDurableObjects();
}

const shared = () => env.WORKSPACE.getByName(nameIn(workspace));
const own = () => env.CONVERSATION.getByName(nameIn(conversation));
const deployment = () => env.DEPLOYMENT.getByName(DEPLOYMENT_NAME);

test.for([
  ["under its name", namedSecret],
  ["by its number", numberedSecret],
] as const)(
  "the secret that tells people apart is the same where it was kept %s",
  async ([, sql]) => {
    await store(deployment, sql);
    const sealed = /'(1\.[^']+)'/.exec(sql)?.[1] ?? "";
    const { text } = await new Sealer([
      "a sealing key of more than thirty-two characters",
    ]).open(sealed, DEPLOYMENT_NAME);
    expect(await deployment().identitySecret()).toBe(text);
    await deployment().enter("somebody");
    expect(await deployment().people("", 10)).toContain("somebody");
  },
);

test.for([accountOfConversations, accountOfClients])(
  "an account from before versions counts the conversations that it has, and takes clients",
  async (sql) => {
    const account = () => env.ACCOUNT.getByName(nameIn(sql));
    await store(account, sql);
    const client = { grant: "new", installation: "i", name: "A client", scopes: [] };
    await account().letIn(client, "server");
    expect(await account().admit("new")).toEqual({ ok: null });
    const known = /'([0-9a-f-]{36})', '[^']+', 'Test client'/.exec(sql)?.[1];
    if (known !== undefined) expect(await account().admit(known)).toEqual({ ok: null });
    expect(await account().begin(`${nameIn(sql)}/s/c_another`)).toEqual({ ok: null });
    const { conversations } = await account().close();
    expect(conversations).toHaveLength(2);
    expect((await account().newest(10)).map(({ what }) => what.event)).toContain(
      "client_connected",
    );
  },
);

test("credentials and a conversation from before versions of workspaces open for whom they were sealed", async () => {
  await store(shared, workspace);
  expect(await shared().address()).toMatchObject({
    ok: { httpUrl: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/) },
  });
  expect((await shared().list(10)).total).toBe(1);
  await store(own, conversation);
  expect(await own().executions(10)).toMatchObject({
    ok: [{ execution: "e1", state: "ok" }],
  });
});

test("calls of a person whose account is of a newer version get 503 with what to do, and go on when it is back", async () => {
  const before = await deployment().people("", 10);
  const tokens = await signIn({ token: inject("teamServer").token });
  const people = await deployment().people("", 10);
  const [principal = ""] = people.filter((each) => !before.includes(each));
  const account = () => env.ACCOUNT.getByName(principal);
  await setVersion(account, ACCOUNT_SCHEMA.version + 1);
  const answer = await fetchWith(tokens.access_token)(RESOURCE, { method: "POST" });
  expect(answer.status).toBe(503);
  expect(answer.headers.get("retry-after")).toBe("60");
  expect(await answer.text()).toMatch(/newer version.*deploy the newer version again/);
  await setVersion(account, ACCOUNT_SCHEMA.version);
  await using client = await connectWith(tokens.access_token);
  expect((await client.call("list_conversations", {})).isError).toBe(false);
});

test("whoever signs in while the deployment's own storage is of a newer version is told so", async () => {
  await deployment().identitySecret();
  await setVersion(deployment, DEPLOYMENT_SCHEMA.version + 1);
  await expect(signIn({ token: inject("teamServer").token })).rejects.toThrow(
    /newer version/,
  );
  await setVersion(deployment, DEPLOYMENT_SCHEMA.version);
  expect((await signIn({ token: inject("teamServer").token })).scope).not.toBe("");
});
