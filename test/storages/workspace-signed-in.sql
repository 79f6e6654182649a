-- Made by signing in and running code with the program as of ea47bdb, and dumping the storage of the object of the name tqxecx2kxsetbgnkj2cwwsq6f3z6j6yf2y552r4u6o4rr7aid55a/wibyroctqgep5nrb.
CREATE TABLE credentials (
    only INTEGER PRIMARY KEY CHECK (only = 1), signed_in_at INTEGER NOT NULL, kept_at INTEGER NOT NULL,
    sealed TEXT NOT NULL
  );
INSERT INTO credentials (only, signed_in_at, kept_at, sealed) VALUES (1, 1795636114511, 1795636114747, '1.CCz2nyISVm4fbNFG.flXFm0M09yNwTzlNDVUzBFVY9szqzTUm1vjjFX7mLNQIs59izQfHFGAHfrza0OktsTTDfrPI8IinsCSlGY+BGZW4ERB5aX20YhP1rwmUYda7TEpmmNWBixkpZImUipk7GpPdhbpD7M7pcz3E8NaZ9TU0eIy2SsON3rb78ZPKfFKdEH1xMH7YjspK9AjIk/BhIzaA1yw+p+2t/huGCx2L+BEgwnhhXrQ72w==');
CREATE TABLE conversations (
    handle TEXT PRIMARY KEY, used_at INTEGER NOT NULL, summary TEXT NOT NULL
  );
INSERT INTO conversations (handle, used_at, summary) VALUES ('c_2tr5x4b3qk', 1795636115269, '{"handle":"c_2tr5x4b3qk","createdAt":1795636115122,"usedAt":1795636115269,"lastCode":"print(''signed in'')","lastExecution":"e1","lastState":"ok","kernels":[{"id":"aa03e747-4fef-4159-a497-73da3c2a0640","kernelspec":"python3"}],"unfinished":[]}');
