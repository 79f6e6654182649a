import { expect, test } from "vitest";
import { Sealer, SealError } from "../../src/sealing.ts";

const OLD = "an old secret of more than thirty-two characters";
const NEW = "a new secret of more than thirty-two characters";

test("what is sealed is opened again, and shows nothing of its text", async () => {
  const sealer = new Sealer([NEW]);
  const sealed = await sealer.seal("token-123", "ada/server");
  expect(sealed).not.toContain("token");
  expect(sealed).not.toBe(await sealer.seal("token-123", "ada/server"));
  expect(await sealer.open(sealed, "ada/server")).toEqual({
    text: "token-123",
    isOutdated: false,
  });
});

test("what was sealed for one object opens in no other", async () => {
  const sealer = new Sealer([NEW]);
  const sealed = await sealer.seal("token-123", "ada/server");
  await expect(sealer.open(sealed, "bob/server")).rejects.toThrow(SealError);
});

test("both secrets open while one replaces the other, and the new one seals", async () => {
  const sealed = await new Sealer([OLD]).seal("token-123", "ada/server");
  const rotating = new Sealer([NEW, OLD]);
  expect(await rotating.open(sealed, "ada/server")).toEqual({
    text: "token-123",
    isOutdated: true,
  });
  const again = await rotating.seal("token-123", "ada/server");
  expect((await new Sealer([NEW]).open(again, "ada/server")).isOutdated).toBe(false);
  await expect(new Sealer([NEW]).open(sealed, "ada/server")).rejects.toThrow(SealError);
});

test.each(["", "1", "1.AAAA", "2.AAAA.AAAA", "1.AAAA.AAAA", "1.%%.%%"])(
  "%j is not opened",
  async (sealed) => {
    await expect(new Sealer([NEW]).open(sealed, "ada/server")).rejects.toThrow();
  },
);

test("a sealed text that was changed is not opened", async () => {
  const sealer = new Sealer([NEW]);
  const sealed = await sealer.seal("token-123", "ada/server");
  const changed = `${sealed.slice(0, -4)}AAA=`;
  await expect(sealer.open(changed, "ada/server")).rejects.toThrow(SealError);
});

test("nothing is sealed without a secret", async () => {
  await expect(new Sealer([]).seal("token-123", "ada/server")).rejects.toThrow(SealError);
});
