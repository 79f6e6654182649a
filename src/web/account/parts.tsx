import type { Child } from "hono/jsx";
import { Layout } from "../layout.tsx";

/** A page of somebody who is signed in. */
export function AccountLayout(props: {
  readonly heading: string;
  readonly lead: Child;
  /** What went wrong with what was asked for; null where nothing did. */
  readonly problem?: string | null | undefined;
  /** Whether it leads back to the account's first page. */
  readonly isInner?: boolean;
  /** Whether something on it goes on by itself. */
  readonly isLive?: boolean;
  readonly children?: Child;
}) {
  const { heading, lead, problem = null, isInner = true, isLive = false } = props;
  return (
    <Layout
      title={`${problem === null ? "" : "Problem: "}${heading} · Jupyter Edge MCP`}
      heading={heading}
      lead={lead}
      script={isLive ? LIVE_SCRIPT : undefined}
    >
      {problem !== null && (
        <div class="notice" role="alert">
          <p>{problem}</p>
        </div>
      )}
      {props.children}
      {isInner && (
        <p class="back">
          <a href="/account">Your account</a>
        </p>
      )}
    </Layout>
  );
}

/** Where the script of the live view is. */
export const LIVE_SCRIPT = "/account/live.js";

/** A button that does something, in a form of its own. Its token keeps other pages from sending it. */
export function ActionForm(props: {
  readonly action: string;
  readonly token: string;
  readonly label: string;
  /** What it acts on, where the label alone does not say so. */
  readonly on?: string;
  readonly fields?: Readonly<Record<string, string>>;
  readonly isSecond?: boolean;
  readonly children?: Child;
}) {
  const { action, token, label, on, fields = {}, isSecond = true } = props;
  return (
    <form method="post" action={action} class="action">
      <input type="hidden" name="form_token" value={token} />
      {Object.entries(fields).map(([name, value]) => (
        <input type="hidden" name={name} value={value} />
      ))}
      {props.children}
      <button
        type="submit"
        class={isSecond ? "second small" : undefined}
        aria-label={on === undefined ? undefined : `${label} ${on}`}
      >
        {label}
      </button>
    </form>
  );
}

/** A moment, to the minute. */
export function Moment(props: { readonly at: number }) {
  const iso = new Date(props.at).toISOString();
  return (
    <time datetime={iso}>
      {iso.slice(0, 10)} {iso.slice(11, 16)} UTC
    </time>
  );
}
