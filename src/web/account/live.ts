/**
 * The stream behind a page that shows executions while they go on: one for all
 * of them, as server-sent events, because a browser opens few connections to one
 * host. An event holds all that is shown of an execution, so that what the
 * terminal overwrites and what a program clears is gone on the page, too.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */

import type { Conversation } from "../../conversation/conversation.ts";
import { isFinal } from "../../kernel/execution.ts";
import { answerPath, noticesOf } from "../../mcp/words.ts";
import { statusWords } from "./execution.tsx";

/** As many as a page shows. */
export const MAX_LIVE = 5;
/** What a page shows of an output that grows: more is for the page of the execution. */
export const LIVE_CHARS = 20_000;

/** The browser comes back by itself, and whether it is still signed in is looked at again. */
const STREAM_MS = 55_000;
const RECONNECT_MS = 300;
/** Faster than anybody reads, slow enough for a kernel that never stops printing. */
const MIN_INTERVAL_MS = 250;
const WAIT_MS = 20_000;

/** An execution of a conversation that is there. */
export interface LiveTarget {
  readonly key: string;
  readonly execution: string;
  readonly conversation: DurableObjectStub<Conversation>;
}

/** What a stream says of each target as it changes, until all have ended. */
export function liveStream(targets: readonly LiveTarget[]): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const endsAt = Date.now() + STREAM_MS;
  let isLeft = false;
  const isOver = () => isLeft || Date.now() >= endsAt;
  return new ReadableStream<Uint8Array>({
    start(controller) {
      const write = (text: string) => {
        if (!isLeft) controller.enqueue(encoder.encode(text));
      };
      write(`retry: ${RECONNECT_MS}\n\n`);
      // Not awaited: what `start` waits for has to be there before anything is read.
      void Promise.all(targets.map((target) => follow(target, isOver, write))).then(
        (ended) => {
          if (isLeft) return;
          if (!ended.includes(false)) write("event: done\ndata:\n\n");
          controller.close();
        },
        (error: unknown) => {
          if (!isLeft) controller.error(error);
        },
      );
    },
    cancel() {
      isLeft = true;
    },
  });
}

/** Says whether it has ended. */
async function follow(
  { key, execution, conversation }: LiveTarget,
  isOver: () => boolean,
  write: (text: string) => void,
): Promise<boolean> {
  let seen: string | null = null;
  while (!isOver()) {
    const request = { execution, seen, waitMs: WAIT_MS, maxOutputChars: LIVE_CHARS };
    const outcome = await conversation.show(request);
    // The conversation was ended, here or elsewhere.
    if ("failure" in outcome) return true;
    const { view, text, mark } = outcome.ok;
    seen = mark;
    const hasEnded = isFinal(view.state);
    const event = {
      key,
      status: statusWords(view),
      notices: noticesOf(view).join("\n"),
      text,
      answer: answerPath(view),
      isFinal: hasEnded,
    };
    write(`data: ${JSON.stringify(event)}\n\n`);
    if (hasEnded) return true;
    await scheduler.wait(MIN_INTERVAL_MS);
  }
  return false;
}
