import {
  preparePythonEnvironment,
  startEnvironment,
} from "../../scripts/python-environment.mjs";

/** Makes what all copies of the project share, which can take longer than a test may. */
export default async function setup(): Promise<void> {
  await preparePythonEnvironment(startEnvironment);
}
