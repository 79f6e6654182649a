import { afterAll } from "vitest";
import { jupyter } from "./support.ts";

// One Jupyter serves all files, and each kernel that is left takes some of the files that it may open.
afterAll(async () => {
  const kernels: { id: string }[] = await (await jupyter("/api/kernels")).json();
  await Promise.all(
    kernels.map(async ({ id }) => {
      await (await jupyter(`/api/kernels/${id}`, { method: "DELETE" })).text();
    }),
  );
});
