// Programs for kernels, in the kernels' own languages. The bundle has them as text.
declare module "*.py" {
  const source: string;
  export default source;
}
declare module "*.r" {
  const source: string;
  export default source;
}
declare module "*.kernel.js" {
  const source: string;
  export default source;
}
