import type { SignIn } from "../config.ts";

/** What is wrong with what a person sent, and where on the form. */
export interface FormProblem {
  readonly field: "server" | "token" | "scope" | null;
  readonly message: string;
}

/** Which server a person may choose, and what they chose before. */
export interface ServerChoice {
  readonly method: SignIn["method"];
  readonly upstreamHost: string | null;
  readonly hasOwnServer: boolean;
  readonly allowsUserServers: boolean;
  readonly userServerPorts: readonly number[];
  readonly server: string;
  readonly problem: FormProblem | null;
}

/** No token of Jupyter or JupyterHub comes near this. */
export const MAX_TOKEN_CHARS = 4_000;
const PORTS = new Intl.ListFormat("en", { type: "disjunction" });

/** The fields for a server, and how a person signs in. */
export function ServerFields(props: ServerChoice) {
  const { method, hasOwnServer, allowsUserServers, userServerPorts } = props;
  const { upstreamHost } = props;
  const ports = userServerPorts.filter((port) => port !== 443);
  const isOptional = method === "oidc" && hasOwnServer;
  const hasFields = method === "jupyter" || (method === "oidc" && allowsUserServers);
  return (
    <fieldset>
      <legend>Your Jupyter</legend>
      {upstreamHost !== null && (
        <p>
          You sign in at <strong>{upstreamHost}</strong> next.{" "}
          {method === "jupyterhub"
            ? "Your own server there is used, and is started where it does not run."
            : hasOwnServer &&
              "The Jupyter of this service is one account for everybody who may use it: you share its files and kernels with them."}
        </p>
      )}
      {hasFields && <TypedServer {...props} isOptional={isOptional} ports={ports} />}
    </fieldset>
  );
}

function TypedServer(
  props: ServerChoice & {
    readonly isOptional: boolean;
    readonly ports: readonly number[];
  },
) {
  const { hasOwnServer, allowsUserServers, userServerPorts } = props;
  const { server, problem, isOptional, ports } = props;
  return (
    <>
      {allowsUserServers && (
        <p>
          <label for="server">URL of the server</label>
          <input
            id="server"
            name="server"
            type="text"
            inputmode="url"
            autocomplete="url"
            autocapitalize="none"
            spellcheck={false}
            value={server}
            required={!hasOwnServer}
            maxlength={1_000}
            aria-describedby={described("server-hint", problem, "server")}
            aria-invalid={problem?.field === "server" ? "true" : undefined}
          />
          <ProblemAt field="server" problem={problem} />
          <span class="hint" id="server-hint">
            {hasOwnServer && "Leave it empty for the server of this service. "}
            {hasOwnServer ? "Your own looks like " : "It looks like "}
            <code>https://jupyter.example.com/path</code>
            {ports.length > 0 &&
              `, ${userServerPorts.includes(443) ? "and may have" : "with"} port ${PORTS.format(ports.map(String))}`}
            .
          </span>
        </p>
      )}
      <p>
        <label for="token">Token</label>
        <input
          id="token"
          name="token"
          type="password"
          autocomplete="off"
          autocapitalize="none"
          spellcheck={false}
          required={!isOptional}
          maxlength={MAX_TOKEN_CHARS}
          aria-describedby={described("token-hint", problem, "token")}
          aria-invalid={problem?.field === "token" ? "true" : undefined}
        />
        <ProblemAt field="token" problem={problem} />
        <span class="hint" id="token-hint">
          {allowsUserServers
            ? "Of that server: "
            : "Of the Jupyter server of this service: "}
          what stands behind <code class="whole">?token=</code> in the URL that{" "}
          <code>jupyter server list</code> prints.
        </span>
      </p>
    </>
  );
}

/** What is wrong with a field, beside it: the notice at the top is far away on a phone. */
export function ProblemAt(props: {
  readonly field: FormProblem["field"];
  readonly problem: FormProblem | null;
}) {
  const { field, problem } = props;
  if (problem === null || problem.field !== field) return null;
  return (
    <span class="problem" id="problem">
      {problem.message}
    </span>
  );
}

function described(
  hint: string,
  problem: FormProblem | null,
  field: FormProblem["field"],
): string {
  return problem?.field === field ? `problem ${hint}` : hint;
}
