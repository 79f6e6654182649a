import type { Why } from "../log.ts";

/** How the reasons begin that results give. The first that fits counts. */
const REASONS: readonly (readonly [beginning: RegExp, why: Why])[] = [
  [/^it was never sent, but waited/, "waited_for_lost"],
  [/^it was never sent/, "never_sent"],
  [/^restart_kernel was called/, "restart_called"],
  [/^shutdown_kernel was called/, "shutdown_called"],
  [/^the kernel was restarted by another client/, "restarted_elsewhere"],
  [/^the kernel was shut down by another client/, "shut_down_elsewhere"],
  [/^the kernel's process died/, "process_died"],
  [/^the kernel is no longer on the server/, "kernel_gone"],
  [/^the kernel (?:says that it is idle|is done with it), but/, "end_not_received"],
  [/^its last messages never came/, "end_not_received"],
  [/another connection, and then keeps nothing$/, "other_client_attached"],
  [/^a thread printed while another client was attached/, "other_client_attached"],
  [/^the connection to Jupyter was lost/, "connection_lost"],
  [/^a thread of it printed/, "printed_while_opening"],
];

/** The word for the log of a reason that a result gives in a sentence. */
export function whyOf(reason: string): Why {
  return REASONS.find(([beginning]) => beginning.test(reason))?.[1] ?? "other";
}
