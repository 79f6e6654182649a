import { expect, test } from "vitest";
import { ByteBudget } from "../../../src/workspace/byte-budget.ts";

test("who wants more room than is free waits for it, and so do those who come later", async () => {
  const budget = new ByteBudget(10);
  const order: string[] = [];
  const take = async (name: string, bytes: number) => {
    const taken = await budget.take(bytes);
    order.push(name);
    return taken;
  };
  const first = await take("first", 4);
  const second = await take("second", 5);
  const large = take("large", 100);
  const late = take("late", 1);
  first[Symbol.dispose]();
  await Promise.resolve();
  expect(order).toEqual(["first", "second"]);
  second[Symbol.dispose]();
  (await large)[Symbol.dispose]();
  await late;
  expect(order).toEqual(["first", "second", "large", "late"]);
});
