import { expect, test } from "vitest";
import { connect } from "./support.ts";

/** A kernel that has lived for ten seconds comes back at the ports that it had; a younger one at others. */
const SECONDS_TO_SETTLE = 11;
const KERNELS = 8;

test.for([0, SECONDS_TO_SETTLE])(
  "what runs right after a kernel of %i s died has all of its output, each time",
  { timeout: 180_000 },
  async (age) => {
    await using client = await connect();
    const settled = await Promise.all(
      Array.from({ length: KERNELS }, () =>
        client.call("run_code", {
          code: `import time; time.sleep(${age})`,
          wait_seconds: 50,
        }),
      ),
    );
    for (const { execution } of settled) {
      const { conversation } = execution;
      await client.call("run_code", { code: "import os; os._exit(1)", conversation });
      const next = await client.call("run_code", { code: "print('c')", conversation });
      expect(next.execution, next.text).toMatchObject({
        state: "ok",
        generation: 2,
        possiblyIncomplete: false,
      });
      expect(next.text).toMatch(/\nc$/);
      await client.call("end_conversation", { conversation, shutdown_kernels: true });
    }
  },
);
