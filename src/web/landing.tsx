import { ClientList } from "./clients.tsx";
import { Copyable, Layout } from "./layout.tsx";

/** Whether the configured Jupyter server answers, and why it cannot be used all the same. `url` and `reason` are for local eyes only. */
export type JupyterState =
  | { answers: true; version: string; url: string; reason?: string }
  | { answers: false; url: string; reason: string };

/** What `/` shows. */
export interface Landing {
  /** Scheme, host and port under which the reader sees this page. */
  readonly origin: string;
  readonly local: boolean;
  /** Null for strangers: they get no word about Jupyter. */
  readonly jupyter: JupyterState | null;
  /** What keeps `/mcp` closed for this reader, as sentences without a full stop. Empty where it is open. */
  readonly missing: readonly string[];
}

/** The page at `/`: what this is, and how each client is connected. */
export function landingPage({ origin, local, jupyter, missing }: Landing) {
  const mcpUrl = `${origin}/mcp`;
  return (
    <Layout
      title="Jupyter Edge MCP"
      heading="Jupyter Edge MCP"
      lead="Lets Claude, ChatGPT and other MCP clients work in a Jupyter server that already runs: code in live kernels, with variables that stay and output as it happens."
    >
      {missing.length > 0 && <NotOpen missing={missing} />}
      {jupyter && <JupyterSection state={jupyter} />}
      <section aria-labelledby="address">
        <h2 id="address">The address</h2>
        <Copyable class="address" text={mcpUrl} />
        <p class="soft">{whoMayUse(local, missing.length === 0)}</p>
        {!local && missing.length === 0 && (
          <p class="soft">
            What connected clients do, and what is kept of it, is in{" "}
            <a href="/account">your account</a>.
          </p>
        )}
      </section>
      <section aria-labelledby="connect">
        <h2 id="connect">Connect a client</h2>
        <ClientList mcpUrl={mcpUrl} local={local} />
      </section>
    </Layout>
  );
}

function whoMayUse(local: boolean, open: boolean): string {
  if (local) return "It answers on this machine only, without sign-in.";
  return open
    ? "When a client first connects, a page opens to sign in."
    : "It will answer once this server is open.";
}

function NotOpen(props: { readonly missing: readonly string[] }) {
  return (
    <section class="notice" aria-labelledby="not-open">
      <h2 id="not-open">This server is not open yet</h2>
      <p>No client is let in yet.</p>
      <ul>
        {props.missing.map((fact) => (
          <li>{fact}.</li>
        ))}
      </ul>
      <p>
        Whoever runs this server opens it by setting <code>SIGN_IN</code> and what goes
        with it.
      </p>
    </section>
  );
}

function JupyterSection(props: { readonly state: JupyterState }) {
  const { state } = props;
  return (
    <section aria-labelledby="jupyter">
      <h2 id="jupyter">Jupyter</h2>
      {state.answers ? (
        <p class={state.reason === undefined ? "state" : "state silent"}>
          <span>
            Jupyter Server {state.version} answers at <code>{state.url}</code>.
            {state.reason !== undefined && ` ${state.reason}`}
          </span>
        </p>
      ) : (
        <p class="state silent">
          <span>
            Jupyter does not answer at <code>{state.url}</code>: {state.reason}
          </span>
        </p>
      )}
    </section>
  );
}
