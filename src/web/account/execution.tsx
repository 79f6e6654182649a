import type { Shown } from "../../conversation/conversation.ts";
import type { ExecutionView } from "../../conversation/view.ts";
import { isFinal } from "../../kernel/execution.ts";
import {
  answerPath,
  codeLine,
  duration,
  kernelName,
  noticesOf,
} from "../../mcp/words.ts";
import { AccountLayout, ActionForm } from "./parts.tsx";

/** An execution that a page shows, perhaps while it goes on. */
export type LiveView = Pick<Shown, "view" | "text">;

/** Where the page of a conversation is. */
export function conversationPath(handle: string): string {
  return `/account/conversations/${handle}`;
}

/** Where the page of an execution is. */
export function executionPath(view: ExecutionView): string {
  return `${conversationPath(view.conversation)}/${view.execution}`;
}

/** How an execution stands, in a line. */
export function statusWords(view: ExecutionView): string {
  const kernel = view.kernel === null ? "starting its kernel" : kernelName(view.kernel);
  return `${view.state} · ${duration(view.elapsedMs)} · ${kernel}`;
}

/** An execution with its output, which the script of the page keeps up to date while it goes on. */
export function LiveOutput(props: {
  readonly live: LiveView;
  readonly formToken: string;
  /** Whether it stands among others, and so has to say which one it is. */
  readonly isOneOfMany: boolean;
}) {
  const { live, formToken, isOneOfMany } = props;
  const { view, text } = live;
  const answer = answerPath(view);
  const runs = !isFinal(view.state);
  return (
    <div
      class="run"
      data-live={runs ? `${view.conversation}.${view.execution}` : undefined}
    >
      {isOneOfMany ? (
        <>
          <h3>
            <a href={executionPath(view)}>
              {view.execution} of {view.conversation}
            </a>
          </h3>
          <p>
            <code>{codeLine(view.code)}</code>
          </p>
        </>
      ) : (
        <h2>Output</h2>
      )}
      <p class="soft" data-part="status">
        {statusWords(view)}
      </p>
      <p class="notices" data-part="notices">
        {noticesOf(view).join("\n")}
      </p>
      <Output text={text} label={`Output of ${view.execution} of ${view.conversation}`} />
      <p data-part="answer" hidden={answer === null}>
        <a href={answer ?? executionPath(view)}>Answer what it asks</a>
      </p>
      {runs && (
        <ActionForm
          action={`${conversationPath(view.conversation)}/interrupt`}
          token={formToken}
          fields={view.kernel === null ? {} : { kernel: view.kernel.id }}
          label="Interrupt"
          on={`the kernel of ${view.execution} of ${view.conversation}`}
        />
      )}
    </div>
  );
}

function Output(props: { readonly text: string; readonly label: string }) {
  return (
    <pre
      class="output"
      data-part="output"
      tabindex={0}
      role="region"
      aria-label={props.label}
    >
      {props.text}
    </pre>
  );
}

/** The page of one execution: its code and its output. */
export function executionPage(props: {
  readonly shown: LiveView;
  readonly formToken: string;
  readonly problem: string | null;
}) {
  const { shown, formToken, problem } = props;
  const { view } = shown;
  return (
    <AccountLayout
      heading={`Execution ${view.execution}`}
      lead={
        <>
          Of conversation{" "}
          <a href={conversationPath(view.conversation)}>{view.conversation}</a>.
        </>
      }
      problem={problem}
      isLive={!isFinal(view.state)}
    >
      <section aria-labelledby="code">
        <h2 id="code">Code</h2>
        <pre class="output" tabindex={0} role="region" aria-label="All of the code">
          {view.code}
        </pre>
      </section>
      <LiveOutput live={shown} formToken={formToken} isOneOfMany={false} />
    </AccountLayout>
  );
}

/** The page of a conversation: what ran in it, newest first, and how it is ended. */
export function conversationPage(props: {
  readonly handle: string;
  readonly executions: readonly ExecutionView[];
  readonly formToken: string;
  readonly problem: string | null;
}) {
  const { handle, executions, formToken, problem } = props;
  return (
    <AccountLayout
      heading="Conversation"
      lead={
        <>
          <code>{handle}</code> and what ran in it last.
        </>
      }
      problem={problem}
    >
      <ul class="items">
        {executions.map((view) => (
          <li>
            <h2>
              <a href={executionPath(view)}>{view.execution}</a>
            </h2>
            <p class="soft">{statusWords(view)}</p>
            <p>
              <code>{codeLine(view.code)}</code>
            </p>
          </li>
        ))}
      </ul>
      <section aria-labelledby="control">
        <h2 id="control">Stop it</h2>
        <ActionForm
          action={`${conversationPath(handle)}/interrupt`}
          token={formToken}
          label="Interrupt"
          on="the kernel that was used last"
        />
        <ActionForm
          action={`${conversationPath(handle)}/end`}
          token={formToken}
          label="End this conversation"
        >
          <p class="tick">
            <input
              type="checkbox"
              id="shutdown"
              name="shutdown_kernels"
              value="true"
              aria-describedby="shutdown-hint"
            />
            <label for="shutdown">Also shut down the kernels that it started</label>
            <span class="hint" id="shutdown-hint">
              Their variables are lost then. Otherwise they stay in Jupyter.
            </span>
          </p>
        </ActionForm>
      </section>
    </AccountLayout>
  );
}
