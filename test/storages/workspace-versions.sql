-- Made by running code with the program as of cda4d3e, and dumping the storage of the object.
CREATE TABLE conversations (
    handle TEXT PRIMARY KEY, used_at INTEGER NOT NULL, summary TEXT NOT NULL
  );
INSERT INTO conversations (handle, used_at, summary) VALUES ('c_yllzzcnfhs', 1795635777922, '{"handle":"c_yllzzcnfhs","createdAt":1795635776051,"usedAt":1795635777922,"lastCode":"import time","lastExecution":"e6","lastState":"running","kernels":[{"id":"c5206396-8c58-40de-bff5-2a18df96d1b8","kernelspec":"python3"},{"id":"f2422441-6b2d-49c2-8202-1b5389af946d","kernelspec":"python3"},{"id":"4ea29f20-9d02-4a9f-9425-515ca2edf786","kernelspec":"python3"},{"id":"23844b92-9080-42d2-b63e-c6b64cc2493c","kernelspec":"python3"}],"unfinished":["e5","e6"]}');
CREATE TABLE notebook_versions (
    path TEXT NOT NULL, version TEXT NOT NULL, given_at INTEGER NOT NULL, cells TEXT NOT NULL,
    PRIMARY KEY (path, version)
  ) WITHOUT ROWID
;
INSERT INTO notebook_versions (path, version, given_at, cells) VALUES ('old.ipynb', 'v5xoz6bekip', 1795635776775, '81af9a95 2l8zzzlprd
c9afdaf1 271s6wppbt');
