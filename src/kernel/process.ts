import type { Message } from "../jupyter/messages.ts";

/** What identifies a kernel's process, as far as it is known. Empty and 0 where it is not. */
export interface ProcessTrace {
  readonly processSession: string;
  readonly lastCount: number;
}

/**
 * Whether `message`, which answers a request of ours, comes from another process
 * than what came before, and the trace that it leaves.
 *
 * ipykernel puts a session id of its own process on its messages; a process that
 * was replaced has another. IRkernel and evcxr echo the session of whoever asked,
 * which is then `ourSession` and says nothing. What remains is a count that does
 * not go up from one execution to the next; `isReply` says that `message` is the
 * one that has it.
 */
export function observeProcess(
  trace: ProcessTrace,
  message: Message,
  ourSession: string,
): { readonly replaced: boolean; readonly trace: ProcessTrace } {
  const { session, msg_type } = message.header;
  const hasOwn = session !== "" && session !== ourSession;
  const otherSession = isOtherProcess(trace, message, ourSession);
  const processSession = hasOwn ? session : trace.processSession;
  const count = msg_type === "execute_reply" ? countOf(message) : 0;
  if (count === 0) {
    return {
      replaced: otherSession,
      trace: { processSession, lastCount: otherSession ? 0 : trace.lastCount },
    };
  }
  const fell = !otherSession && trace.lastCount > 0 && count <= trace.lastCount;
  return { replaced: otherSession || fell, trace: { processSession, lastCount: count } };
}

/** Whether `message` carries the session of another process than the one that is known. */
export function isOtherProcess(
  { processSession }: Pick<ProcessTrace, "processSession">,
  { header: { session } }: Message,
  ourSession: string,
): boolean {
  const hasOwn = session !== "" && session !== ourSession;
  return hasOwn && processSession !== "" && processSession !== session;
}

function countOf(message: Message): number {
  const { status, execution_count: count } = message.content;
  return typeof count === "number" && (status === "ok" || status === "error") ? count : 0;
}
