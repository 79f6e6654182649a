import "vitest";

declare module "vitest" {
  /** What the global setup of the integration tests hands to them. */
  interface ProvidedContext {
    readonly jupyter: { readonly port: number; readonly token: string };
    readonly openJupyter: { readonly port: number; readonly basePath: string };
    readonly gateway: { readonly port: number; readonly controlPort: number };
  }
}
