/** How many bytes may be in memory at a time. Who wants more than is free waits, in the order of asking. */
export class ByteBudget {
  readonly #bytes: number;
  #free: number;
  readonly #waiting: { readonly bytes: number; readonly begin: () => void }[] = [];

  constructor(bytes: number) {
    this.#bytes = bytes;
    this.#free = bytes;
  }

  /** Takes room for bytes: all that there is where they are more. Dispose of it to give it back. */
  async take(bytes: number): Promise<Disposable> {
    const taken = Math.min(bytes, this.#bytes);
    const { promise, resolve: begin } = Promise.withResolvers<void>();
    this.#waiting.push({ bytes: taken, begin });
    this.#admit();
    await promise;
    return {
      [Symbol.dispose]: () => {
        this.#free += taken;
        this.#admit();
      },
    };
  }

  #admit(): void {
    for (let [next] = this.#waiting; next !== undefined; [next] = this.#waiting) {
      if (next.bytes > this.#free) return;
      this.#free -= next.bytes;
      this.#waiting.shift();
      next.begin();
    }
  }
}
