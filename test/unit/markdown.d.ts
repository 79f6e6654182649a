/** A document as text, for the tests that hold it against what is calculated. */
declare module "*.md?raw" {
  const text: string;
  export default text;
}
