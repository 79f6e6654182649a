/** What is read at a time: the runtime's own pieces are of 4 KB. */
const CHUNK_BYTES = 256 * 1024;

/**
 * The bytes of a body that `fetch` gave, for as long as they keep coming. Where it breaks off, or
 * nothing comes for `stallMs`, it fails as `asFailure` says.
 */
export function guardedStream(
  body: ReadableStream<Uint8Array>,
  stallMs: number,
  asFailure: (cause: unknown) => Error,
): ReadableStream<Uint8Array> {
  const reader = body.getReader({ mode: "byob" });
  return new ReadableStream({
    async pull(controller) {
      let timer = 0;
      const stalled = new Promise<never>((_, reject) => {
        const timeout = () => reject(new DOMException("", "TimeoutError"));
        timer = setTimeout(timeout, stallMs);
      });
      try {
        const chunk = reader.read(new Uint8Array(CHUNK_BYTES));
        const { done, value } = await Promise.race([chunk, stalled]);
        if (done) controller.close();
        else controller.enqueue(value);
      } catch (cause) {
        void reader.cancel().catch(() => undefined);
        throw asFailure(cause);
      } finally {
        clearTimeout(timer);
      }
    },
    cancel: (reason) => reader.cancel(reason),
  });
}
