import { expect, test } from "vitest";
import { findPython } from "../../scripts/python-environment.mjs";

test("a Python that is not there is named, with what to do", async () => {
  const found = findPython({ env: { ...process.env, PYTHON: "/no/such/python" } });
  await expect(found).rejects.toThrow(/PYTHON.*\/no\/such\/python/s);
});

test("without any Python on the machine npm start says which one it needs", async () => {
  const found = findPython({ env: { PATH: "/no/such/folder" } });
  await expect(found).rejects.toThrow(/Python 3\.10/);
});
