/** A short form of `npm run faults`: one seed, each fault a few times, and aborts of all objects at once. */
import { abortAllDurableObjects } from "cloudflare:test";
import { expect, test } from "vitest";
import { drive, openLane, type Lane, type World } from "../../faults/drive.ts";
import {
  FAULTS,
  planBystander,
  planRun,
  queuesOf,
  type Action,
} from "../../faults/plan.ts";
import { BAD } from "../../faults/verdict.ts";
import { attachOther, connect, doTo, jupyter } from "./support.ts";

const SEED = 20_000;
const LANES = 4;
/** What happened once must not be taken for nothing because it does not happen again. The time is longer than after which a run is said to hang. */
const ONCE = { timeout: 240_000, retry: 0 };
/** These end by an alarm, half a minute after they have begun. */
const SLOW = ["half-open", "half-open both ways"] as const;

/** What happens to single kernels, and to all objects. */
class TestWorld implements World {
  readonly #others = new Map<string, Disposable>();

  isCalm(): boolean {
    return true;
  }

  async hasFile(name: string): Promise<boolean> {
    const answer = await jupyter(`/api/contents/${name}?content=0`);
    await answer.text();
    return answer.status === 200;
  }

  async act({ kernel }: Lane, action: Action): Promise<boolean> {
    switch (action.do) {
      case "abort":
        await abortAllDurableObjects();
        return true;
      case "attach": {
        const other = await attachOther(kernel);
        this.#others.get(kernel)?.[Symbol.dispose]();
        this.#others.set(kernel, { [Symbol.dispose]: () => void other.close() });
        return true;
      }
      case "detach":
        this.#others.get(kernel)?.[Symbol.dispose]();
        return true;
      default:
        // What is done to the other client ends as well.
        if (action.do === "calm") this.#others.get(kernel)?.[Symbol.dispose]();
        return doTo(kernel, action);
    }
  }
}

/** Lets plans run in several conversations, and says which went wrong. */
async function driven(plans: ReturnType<typeof planRun>[]): Promise<unknown[]> {
  const world = new TestWorld();
  const wrong: unknown[] = [];
  const lanes = queuesOf(plans, LANES).map(async (queue) => {
    await using client = await connect();
    const lane = await openLane(client);
    for (let plan = queue.shift(); plan !== undefined; plan = queue.shift()) {
      const result = await drive(plan, lane, world);
      if (BAD.has(result.verdict)) wrong.push({ ...result, lane: lane.conversation });
    }
  });
  await Promise.all(lanes);
  return wrong;
}

const ON_ONE_KERNEL = FAULTS.filter(
  (fault) =>
    !SLOW.some((slow) => slow === fault) &&
    fault !== "object aborted" &&
    fault !== "mixed",
);

test(
  "through faults of its connections a run is complete, marked or lost with a reason",
  ONCE,
  async () => {
    const slow = SLOW.map((fault, index) => planRun(SEED + 50 + index, fault));
    const plans = Array.from({ length: 22 }, (_, index) => {
      const plan = planRun(SEED + index, ON_ONE_KERNEL[index % ON_ONE_KERNEL.length]!);
      // An abort here would be one of all objects.
      const moments = plan.moments.filter(({ action }) => action.do !== "abort");
      return { ...plan, moments };
    });
    expect(await driven([...slow, ...plans])).toEqual([]);
  },
);

test(
  "through aborts of all objects a run is complete, marked or lost with a reason",
  ONCE,
  async () => {
    const plans = Array.from({ length: 8 }, (_, index) =>
      index % 3 === 0
        ? planRun(SEED + 100 + index, "object aborted")
        : planBystander(SEED + 100 + index, "object aborted", true),
    );
    expect(await driven(plans)).toEqual([]);
  },
);
