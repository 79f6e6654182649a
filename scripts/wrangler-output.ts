import { stripVTControlCharacters } from "node:util";

/**
 * Picks what a person wants to see out of what `wrangler dev` prints: errors, and
 * in a few words what the Worker's own log says of them. The rest of that log, the
 * requests, the list of bindings and the news about reloading stay in the log file.
 */
export class WranglerOutput {
  #isReady = false;
  /** Whether lines that look like nothing in particular continue one that is shown. */
  #isShowing = false;

  /** From now on plain lines are the Worker's own. */
  markReady(): void {
    this.#isReady = true;
    this.#isShowing = true;
  }

  /** The line as it is to be shown, or nothing. */
  filter(printed: string): string | undefined {
    const line = stripVTControlCharacters(printed).trimEnd();
    if (line === "" || line.includes("Logs were written to")) return undefined;
    const logged = /\{"time":.*\}$/.exec(line)?.[0];
    if (logged !== undefined) {
      const words = wordsFor(logged);
      return this.#show(words !== undefined, words);
    }
    const error = /^(?:✘ |X )?\[(?:ERROR|wrangler:error)\] (.*)$/.exec(line);
    if (error) return this.#show(true, error[1]);
    const warning = /^(?:▲ )?\[(?:WARNING|wrangler:warn)\] (.*)$/.exec(line);
    if (warning) return this.#show(this.#isReady, warning[1]);
    if (
      /^\[wrangler:\w+\]|^⎔ |^Using secrets defined|^Your Worker has access|^env\.|^Binding {2,}/.test(
        line,
      )
    ) {
      return this.#show(false, line);
    }
    // Only continued lines are indented, so any other begins something new.
    if (this.#isReady && !/^\s/.test(line)) this.#isShowing = true;
    return this.#isShowing ? line : undefined;
  }

  #show(isShowing: boolean, line: string | undefined): string | undefined {
    this.#isShowing = isShowing;
    return isShowing ? line : undefined;
  }
}

/** What a line of the Worker's log means for whoever started it; nothing where it is no error. */
function wordsFor(line: string): string | undefined {
  const { level, id, problem } = fieldsOf(line);
  if (level !== "error") return undefined;
  if (typeof problem === "string") return `These settings cannot be used: ${problem}`;
  return `Something went wrong in the Worker (error ${String(id)}). See .jupyter/wrangler.log.`;
}

function fieldsOf(line: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(line);
  } catch {
    return {};
  }
}
