-- Made by running code with the program as of 23d9c08, and dumping the storage of the object.
CREATE TABLE conversations (
    handle TEXT PRIMARY KEY, used_at INTEGER NOT NULL, summary TEXT NOT NULL
  );
INSERT INTO conversations (handle, used_at, summary) VALUES ('c_emgrwdo5fq', 1795635742335, '{"handle":"c_emgrwdo5fq","createdAt":1795635740892,"usedAt":1795635742335,"lastCode":"import time","lastExecution":"e5","lastState":"running","kernels":[{"id":"550d08cf-a441-4585-a7e0-a60028883e49","kernelspec":"python3"},{"id":"e628a38e-66b9-474f-9c23-0a372b73af84","kernelspec":"python3"},{"id":"9ddcf20c-85c7-4319-bfc0-53b751493baa","kernelspec":"python3"}],"unfinished":["e4","e5"]}');
