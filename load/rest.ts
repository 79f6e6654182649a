import { setTimeout as sleep } from "node:timers/promises";
import type { LoadStack } from "./stack.ts";

const POLL_EVERY_MS = 250;
/** A linger, an alarm, and a slow machine. */
const SETTLES_WITHIN_MS = 120_000;
/** Nearer ones look after runs; what is further away removes what nobody uses any more. */
const NEAR_MS = 3_600_000;

/** Waits until no object has anything pending, no WebSocket is open, and no alarm is near. */
export async function untilAtRest(stack: LoadStack): Promise<void> {
  await eventually(stack, async () => {
    const { held, alarms } = await stack.counts();
    const { sockets } = await stack.jupyter.counts();
    const isNear = alarms.some(({ dueInMs }) => dueInMs < NEAR_MS);
    return held.length === 0 && sockets === 0 && !isNear;
  });
}

/** Waits until something is so, and says how things stand where it never is. */
export async function eventually(
  stack: LoadStack,
  condition: () => Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + SETTLES_WITHIN_MS;
  while (!(await condition())) {
    if (performance.now() > deadline) {
      const { held, alarms } = await stack.counts();
      const { sockets, kernels } = await stack.jupyter.counts();
      throw new Error(
        `It does not settle: ${JSON.stringify({ held, alarms, sockets, kernels })}`,
      );
    }
    await sleep(POLL_EVERY_MS);
  }
}
