-- Made by signing in and running code with the program as of ea47bdb, and dumping the storage of the object of the name deployment.
CREATE TABLE secrets (number INTEGER PRIMARY KEY, sealed TEXT NOT NULL);
INSERT INTO secrets (number, sealed) VALUES (1, '1.+sTrmfzwY0qNijFm.6fXjfu0KfwupJeHor80mwCLiQxqYk2GaNhCP6RcRs+rx3pNPcpibR2wRkAByiZeEMd03SfKHIZg9iDTi');
CREATE TABLE people (principal TEXT PRIMARY KEY) WITHOUT ROWID
;
INSERT INTO people (principal) VALUES ('tqxecx2kxsetbgnkj2cwwsq6f3z6j6yf2y552r4u6o4rr7aid55a');
