// The storage of an object as an earlier version of this program left it, in SQL.
declare module "*.sql?raw" {
  const sql: string;
  export default sql;
}
