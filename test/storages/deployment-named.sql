-- Made by signing in and running code with the program as of 599fc76, and dumping the storage of the object of the name deployment.
CREATE TABLE secrets (name TEXT PRIMARY KEY, sealed TEXT NOT NULL) WITHOUT ROWID
;
INSERT INTO secrets (name, sealed) VALUES ('identity', '1.vWqkVEjfQ83Ra0bw.lIonfOq+0Xujz2bX0rHlOgS2EqIJBgt+kGCltIBzbMRiJQ3jmhXnmu2WTv/tJmqV6TPA0TuDQzn8tfRy');
