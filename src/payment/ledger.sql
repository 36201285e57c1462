-- What a ledger of donjon's payments keeps, in SQL that SQLite, PostgreSQL and MariaDB understand.
-- Names differ by capital letters: in MariaDB, give the tables the collation utf8mb4_nopad_bin.
-- Columns of your own orders stand beside these; a name in lower case, such as 'paid', is a state.
CREATE TABLE orders (
  id       VARCHAR(64) NOT NULL PRIMARY KEY,
  minor    BIGINT      NOT NULL CHECK (minor > 0),
  currency CHAR(3)     NOT NULL,
  state    VARCHAR(16) NOT NULL DEFAULT 'created',
  paid_by  VARCHAR(300)          -- the attempt that has put it into this state: gateway/reference
);

-- That payers were sent to a gateway, each time: numbered, since two may begin in the same second.
CREATE TABLE payment_attempts (
  order_id  VARCHAR(64)  NOT NULL REFERENCES orders (id),
  number    INTEGER      NOT NULL,
  gateway   VARCHAR(32)  NOT NULL,
  live      BOOLEAN      NOT NULL,
  reference VARCHAR(255),
  begun_at  TIMESTAMP    NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (order_id, number)
);

-- What gateways have said, each once: this key is what makes a notification count once.
CREATE TABLE payment_events (
  gateway  VARCHAR(32)  NOT NULL,
  event    VARCHAR(255) NOT NULL,
  order_id VARCHAR(64)  NOT NULL REFERENCES orders (id),
  state    VARCHAR(16)  NOT NULL,
  heard_at TIMESTAMP    NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (gateway, event)
);

-- What is good once, in hexadecimal: tokens by which a browser has come back, and turns at taking the money for an
-- order. Delete what is over.
CREATE TABLE payment_returns (
  once       CHAR(32) NOT NULL PRIMARY KEY,
  over_at    BIGINT   NOT NULL
);
