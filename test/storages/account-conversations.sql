-- Made by signing in and running code with the program as of 599fc76, and dumping the storage of the object of the name or4hkncszo45gzrnb7ueeyjpnrw6otpk64wact5sjf247gcwkyhq.
CREATE TABLE conversations (
    name TEXT PRIMARY KEY, running INTEGER NOT NULL, stored_bytes INTEGER NOT NULL, seen_at INTEGER NOT NULL
  ) WITHOUT ROWID
;
INSERT INTO conversations (name, running, stored_bytes, seen_at) VALUES ('or4hkncszo45gzrnb7ueeyjpnrw6otpk64wact5sjf247gcwkyhq/qj4pzhv24xxf5hum/c_22shipket5', 0, 53248, 1795636070828);
