import type { GatewayMode } from "./gateway.ts";

/** Does `work` while a gateway treats so what begins with `only`. Runs in Node and in workerd. */
export async function whileGatewayIs(
  mode: GatewayMode,
  controlPort: number,
  work: () => Promise<void>,
  only = "",
): Promise<void> {
  const control = `http://127.0.0.1:${controlPort}`;
  await fetch(`${control}/?mode=${mode}&only=${encodeURIComponent(only)}`);
  try {
    await work();
  } finally {
    await fetch(`${control}/?mode=pass`);
  }
}
