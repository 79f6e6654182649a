import "vitest";

declare module "vitest" {
  /** A Jupyter server behind a recorder, which tells on its control port what arrived. */
  interface RecordedServer {
    readonly port: number;
    readonly token: string;
    readonly controlPort: number;
  }

  /** Ports of what is no Jupyter server, or a strange one. */
  type StrangeServers = Readonly<
    Record<"silent" | "html" | "elsewhere" | "login" | "open" | "huge" | "named", number>
  >;

  /** A JupyterHub behind a recorder and a gateway, and what this Worker and the tests are to it. */
  interface RecordedHub {
    readonly url: string;
    readonly controlPort: number;
    /** On which the gateway before it is commanded. */
    readonly gatewayPort: number;
    readonly password: string;
    readonly clientId: string;
    readonly clientSecret: string;
    readonly adminToken: string;
  }

  /** What the global setups hand to their tests. */
  interface ProvidedContext {
    readonly jupyter: { readonly port: number; readonly token: string };
    readonly openJupyter: { readonly port: number; readonly basePath: string };
    readonly teamServer: RecordedServer;
    readonly ownServer: RecordedServer;
    /** Whether the server behind the gateway has jupyter-collaboration. */
    readonly collaboration: boolean;
    readonly strangeServers: StrangeServers;
    /** The languages whose kernels the server has, as the table of languages names them. */
    readonly languages: readonly string[];
    readonly hub: RecordedHub;
    /** An OpenID Connect issuer behind a gateway, and what this Worker is to it. */
    readonly issuer: {
      readonly url: string;
      readonly gatewayPort: number;
      readonly clientId: string;
      readonly clientSecret: string;
    };
    /** On which what is done to the connections of single kernels is commanded. */
    readonly faults: { readonly controlPort: number };
    readonly gateway: { readonly port: number; readonly controlPort: number };
  }
}
