const ASK_EVERY_MS = 50;

/** Asks again until `condition` holds, and says what it saw last where it never does. */
export async function eventually<T>(
  ask: () => T | Promise<T>,
  condition: (value: T) => boolean,
  timeoutMs = 30_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const value = await ask();
    if (condition(value)) return value;
    if (Date.now() > deadline)
      throw new Error(`Never came true; last seen: ${JSON.stringify(value)}`);
    // Runs in Node and in workerd, which share no other way to let time pass.
    await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
  }
}
