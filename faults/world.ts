import type { Lane, World } from "./drive.ts";
import type { Action } from "./plan.ts";
import { attach } from "./second-client.ts";
import type { FaultStack } from "./stack.ts";

/** What happens to single kernels. */
export class FaultWorld implements World {
  readonly #stack: FaultStack;
  readonly #others = new Map<string, Disposable>();

  constructor(stack: FaultStack) {
    this.#stack = stack;
  }

  hasFile(name: string): Promise<boolean> {
    return this.#stack.hasFile(name);
  }

  isCalm(): boolean {
    return true;
  }

  async act({ kernel, conversation }: Lane, action: Action): Promise<boolean> {
    switch (action.do) {
      case "abort":
        await this.#stack.abort(conversation);
        return true;
      case "attach": {
        this.#detach(kernel);
        const other = await attach(this.#stack.jupyter, kernel);
        if (other !== null) this.#others.set(kernel, other);
        return other !== null;
      }
      case "detach":
        return this.#detach(kernel);
      case "calm":
        this.#detach(kernel);
        this.#stack.proxy.act(kernel, action);
        return false;
      default:
        return this.#stack.proxy.act(kernel, action);
    }
  }

  #detach(kernel: string): boolean {
    this.#others.get(kernel)?.[Symbol.dispose]();
    return this.#others.delete(kernel);
  }
}
