-- Made by signing in and running code with the program as of ea47bdb, and dumping the storage of the object of the name tqxecx2kxsetbgnkj2cwwsq6f3z6j6yf2y552r4u6o4rr7aid55a.
CREATE TABLE servers (server_hash TEXT PRIMARY KEY) WITHOUT ROWID
;
INSERT INTO servers (server_hash) VALUES ('wibyroctqgep5nrb');
CREATE TABLE clients (
    grant_id TEXT PRIMARY KEY, installation TEXT NOT NULL, name TEXT NOT NULL, scopes TEXT NOT NULL,
    connected_at INTEGER NOT NULL, used_at INTEGER
  ) WITHOUT ROWID
;
INSERT INTO clients (grant_id, installation, name, scopes, connected_at, used_at) VALUES ('76acc27a-93f5-4042-a91b-731660d51606', 'VOgiOSaTw1aXL2RC', 'Test client', '["notebooks:read","notebooks:write","code:execute"]', 1795636114704, 1795636114901);
CREATE TABLE audit_trail (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, key TEXT UNIQUE, event TEXT NOT NULL
  );
INSERT INTO audit_trail (id, at, key, event) VALUES (1, 1795636114705, NULL, '{"event":"client_connected","client":"Test client","scopes":["notebooks:read","notebooks:write","code:execute"]}');
INSERT INTO audit_trail (id, at, key, event) VALUES (2, 1795636115732, 'c_2tr5x4b3qk/e1', '{"event":"execution","conversation":"c_2tr5x4b3qk","execution":"e1","kernel":"aa03e747-4fef-4159-a497-73da3c2a0640","kernelspec":"python3","startedAt":1795636115697,"durationMs":23,"state":"ok"}');
CREATE TABLE conversations (
    name TEXT PRIMARY KEY, running INTEGER NOT NULL, stored_bytes INTEGER NOT NULL, seen_at INTEGER NOT NULL
  ) WITHOUT ROWID
;
INSERT INTO conversations (name, running, stored_bytes, seen_at) VALUES ('tqxecx2kxsetbgnkj2cwwsq6f3z6j6yf2y552r4u6o4rr7aid55a/wibyroctqgep5nrb/c_2tr5x4b3qk', 0, 57344, 1795636115732);
