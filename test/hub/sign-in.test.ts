import { expect, inject, test } from "vitest";
import { connectWith, HubPerson, serversOf } from "./support.ts";

test("a person signs in at the Hub without pasting anything, and works on their own server, which is started", async () => {
  const ada = new HubPerson("ada");
  const tokens = await ada.signsIn();
  await using client = await connectWith(tokens.access_token);
  const run = await client.call("run_code", {
    code: "import os; print('user', os.environ['JUPYTERHUB_USER'])",
  });
  expect(run.text).toContain("user ada");
  expect((await serversOf("ada"))[""]).toMatchObject({ ready: true });
  expect(JSON.stringify(run)).not.toContain(inject("hub").clientSecret);
});
