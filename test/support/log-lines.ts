import { vi } from "vitest";
import { eventually } from "./eventually.ts";

/** A line of the log as it was written. */
export type LogLine = Readonly<Record<string, unknown>>;

/** What is logged from now on. The Worker, its objects and the test share one isolate, and its console. */
export class LogLines implements Disposable {
  /** As they were written, whoever wrote them. */
  readonly texts: string[] = [];
  readonly #spies = (["log", "info", "warn", "error", "debug"] as const).map((level) =>
    vi.spyOn(console, level).mockImplementation((...args: unknown[]) => {
      this.texts.push(args.map(String).join(" "));
    }),
  );

  /** Those that have all of these fields. */
  with(fields: LogLine): LogLine[] {
    const wanted = Object.entries(fields);
    return this.texts
      .filter((text) => text.startsWith("{"))
      .map((text): LogLine => JSON.parse(text))
      .filter((line) => wanted.every(([name, value]) => line[name] === value));
  }

  /** The first that has all of these fields, once it is there. */
  async first(fields: LogLine): Promise<LogLine> {
    const lines = await eventually(
      () => this.with(fields),
      ({ length }) => length > 0,
    );
    return lines[0] ?? {};
  }

  [Symbol.dispose](): void {
    for (const spy of this.#spies) spy.mockRestore();
  }
}
