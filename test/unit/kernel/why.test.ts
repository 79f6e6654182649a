import { expect, test } from "vitest";
import connection from "../../../src/kernel/connection.ts?raw";
import conversation from "../../../src/conversation/conversation.ts?raw";
import runs from "../../../src/conversation/runs.ts?raw";
import { whyOf } from "../../../src/kernel/why.ts";

test("every reason that the code gives for a run that was lost or may lack output has a word in the log", () => {
  const reasons = [connection, conversation, runs].flatMap((source) =>
    [
      ...source.matchAll(
        /["`]((?:the kernel(?:'s process)? |its last|a thread |the connection to|it was never sent|\w+_kernel was called)[^"`]*)["`]/g,
      ),
    ].map(([, reason = ""]) => reason.replace(/\$\{known\}/, "is done with it")),
  );
  expect(reasons.length).toBeGreaterThan(12);
  for (const reason of reasons) expect(whyOf(reason), reason).not.toBe("other");
  expect(whyOf("the connection to Jupyter was lost while it ran")).toBe(
    "connection_lost",
  );
});
