import type { ExecutionView } from "../../conversation/view.ts";
import { answerPath } from "../../mcp/words.ts";
import { executionPath } from "./execution.tsx";
import { AccountLayout } from "./parts.tsx";

/** As `send_input` takes, within what a form may have. */
export const MAX_ANSWER_CHARS = 10_000;

/** The page on which a person answers what their code asks. */
export function answerPage(props: {
  readonly view: ExecutionView;
  readonly formToken: string;
  readonly problem: string | null;
}) {
  const { view, formToken, problem } = props;
  const isPassword = view.prompt?.password === true;
  return (
    <AccountLayout
      heading={isPassword ? "Your code asks for a password" : "Your code asks"}
      lead={
        <>
          <a href={executionPath(view)}>
            {view.execution} of {view.conversation}
          </a>{" "}
          waits for it. What you type goes to the kernel; no assistant sees it
          {isPassword ? ", and it is not kept here." : " until it reads the output."}
        </>
      }
      problem={problem}
    >
      <form method="post" action={answerPath(view) ?? undefined}>
        <input type="hidden" name="form_token" value={formToken} />
        <fieldset>
          <legend>The answer</legend>
          <p>It asks, in its own words:</p>
          <pre>{view.prompt?.prompt ?? ""}</pre>
          <p>
            <label for="answer">{isPassword ? "Password" : "Answer"}</label>
            <input
              id="answer"
              name="answer"
              type={isPassword ? "password" : "text"}
              autocomplete="off"
              autocapitalize="none"
              spellcheck={false}
              maxlength={MAX_ANSWER_CHARS}
              aria-describedby="answer-hint"
            />
            <span class="hint" id="answer-hint">
              The code can do with it whatever it says, also print it. Type it only if you
              expected to be asked.
            </span>
          </p>
        </fieldset>
        <p class="buttons">
          <button type="submit">Send to the kernel</button>
        </p>
      </form>
    </AccountLayout>
  );
}

/** What a link to a prompt shows that waits no more. */
export function answeredPage(props: {
  readonly view: ExecutionView;
  readonly wasSent: boolean;
}) {
  const { view, wasSent } = props;
  return (
    <AccountLayout
      heading={wasSent ? "Sent to the kernel" : "This waits for no answer"}
      lead={
        wasSent
          ? "The code goes on. Tell your assistant that it can do so too."
          : "It was answered before, or the code asks something else by now, or has ended."
      }
    >
      <p>
        <a href={executionPath(view)}>
          {view.execution} of {view.conversation}
        </a>
      </p>
    </AccountLayout>
  );
}
