/** What the meter needs of it; the Worker itself has no types of Node. */
declare module "node:async_hooks" {
  export class AsyncLocalStorage<T> {
    getStore(): T | undefined;
    run<Args extends unknown[], R>(
      store: T,
      callback: (...args: Args) => R,
      ...args: Args
    ): R;
  }
}
