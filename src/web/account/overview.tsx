import type { AuditEntry } from "../../audit.ts";
import type { ConnectedClient } from "../../account/clients.ts";
import { codeLine, duration, kernelName } from "../../mcp/words.ts";
import { knownScopes, SCOPE_WORDS } from "../../scopes.ts";
import type { ConversationSummary } from "../../workspace/workspace.ts";
import { ActivityTable } from "./activity.tsx";
import { conversationPath, type LiveView, LiveOutput } from "./execution.tsx";
import { AccountLayout, ActionForm, Moment } from "./parts.tsx";
import type { ServerState } from "./person.ts";

/** What a person's first page shows. */
export interface Overview {
  readonly principal: string;
  readonly formToken: string;
  readonly servers: readonly ServerState[];
  readonly running: readonly LiveView[];
  /** Executions that are unfinished and not shown. */
  readonly moreRunning: number;
  readonly conversations: readonly ConversationSummary[];
  /** How many there are in all. */
  readonly total: number;
  readonly clients: readonly ConnectedClient[];
  readonly activity: readonly AuditEntry[];
  readonly auditDays: number;
  /** Whether the reader may see everybody's trail. */
  readonly isOwner: boolean;
  readonly now: number;
}

/** The page at `/account`. */
export function overviewPage(overview: Overview) {
  const { formToken, running, moreRunning } = overview;
  return (
    <AccountLayout
      heading="Your account"
      lead="What your assistants do in your Jupyter, and what is kept of it here."
      isInner={false}
      isLive={running.length > 0}
    >
      <ActionForm action="/account/sign-out" token={formToken} label="Sign out" />
      <Servers servers={overview.servers} />
      <section aria-labelledby="running">
        <h2 id="running">Running now</h2>
        {running.length === 0 && <p class="soft">Nothing runs at the moment.</p>}
        {running.map((live) => (
          <LiveOutput live={live} formToken={formToken} isOneOfMany />
        ))}
        {moreRunning > 0 && (
          <p class="soft">
            {moreRunning} more {moreRunning === 1 ? "runs" : "run"}: see the
            conversations.
          </p>
        )}
      </section>
      <Conversations {...overview} />
      <ClientList {...overview} />
      <section aria-labelledby="activity">
        <h2 id="activity">What was done</h2>
        <ActivityTable entries={overview.activity} />
        <p>
          <a href="/account/activity">All of the last {overview.auditDays} days</a>, also{" "}
          <a href="/account/activity.jsonl">as JSON lines</a>. Code and outputs are not in
          it.
        </p>
        {overview.isOwner && (
          <p>
            You are an owner of this deployment:{" "}
            <a href="/account/everybody.jsonl">what everybody did, as JSON lines</a>.
          </p>
        )}
      </section>
      <section aria-labelledby="forget">
        <h2 id="forget">Forget everything</h2>
        <p>
          Ends your conversations, disconnects your clients and removes all that is kept
          of you here. <a href="/account/forget">Forget everything…</a>
        </p>
        <p class="soft">
          You are known here as <code>{overview.principal}</code>.
        </p>
      </section>
    </AccountLayout>
  );
}

function Servers(props: { readonly servers: readonly ServerState[] }) {
  return (
    <section aria-labelledby="server">
      <h2 id="server">Your Jupyter</h2>
      {props.servers.length === 0 && (
        <p class="soft">Nothing is connected to it in your name at the moment.</p>
      )}
      {props.servers.map(({ httpUrl, answers, word }) => (
        <p class={answers ? "state" : "state silent"}>
          <span>
            {httpUrl !== null && <code>{httpUrl}</code>}{" "}
            {answers ? "answers." : "does not answer."} {word}
          </span>
        </p>
      ))}
    </section>
  );
}

function Conversations(props: Overview) {
  const { conversations, total, formToken, now } = props;
  return (
    <section aria-labelledby="conversations">
      <h2 id="conversations">Conversations</h2>
      {total === 0 && <p class="soft">There is none.</p>}
      <ul class="items">
        {conversations.map((summary) => (
          <li>
            <h3>
              <a href={conversationPath(summary.handle)}>{summary.handle}</a>
            </h3>
            <p>
              Used {duration(now - summary.usedAt)} ago ·{" "}
              {summary.kernels.map(kernelName).join(", ") || "no kernel"}
              {summary.unfinished.length > 0 && (
                <strong> · running: {summary.unfinished.join(", ")}</strong>
              )}
            </p>
            {summary.lastExecution !== "" && (
              <p>
                {summary.lastExecution} {summary.lastState}:{" "}
                <code>{codeLine(summary.lastCode)}</code>
              </p>
            )}
            <ActionForm
              action={`${conversationPath(summary.handle)}/end`}
              token={formToken}
              label="End"
              on={`conversation ${summary.handle}`}
            />
          </li>
        ))}
      </ul>
      {total > conversations.length && (
        <p class="soft">{total - conversations.length} older ones are not shown.</p>
      )}
      {total > 0 && (
        <p class="soft">
          Ending a conversation forgets its outputs. Its kernels stay in Jupyter; its page
          can shut them down, too.
        </p>
      )}
    </section>
  );
}

function ClientList({ clients, formToken }: Overview) {
  return (
    <section aria-labelledby="clients">
      <h2 id="clients">Connected clients</h2>
      {clients.length === 0 && <p class="soft">There is none.</p>}
      <ul class="items">
        {clients.map(({ grant, name, scopes, connectedAt, usedAt }) => (
          <li>
            <h3>{name}</h3>
            <p>
              Connected <Moment at={connectedAt} />
              {usedAt === null ? (
                ", never used."
              ) : (
                <>
                  , last used <Moment at={usedAt} /> or within the hour after.
                </>
              )}
            </p>
            <p>
              May:{" "}
              {knownScopes(scopes)
                .map((scope) => SCOPE_WORDS[scope].title.toLowerCase())
                .join("; ")}
              .
            </p>
            <ActionForm
              action="/account/clients/revoke"
              token={formToken}
              fields={{ grant }}
              label="Revoke"
              on={name}
            />
          </li>
        ))}
      </ul>
    </section>
  );
}
