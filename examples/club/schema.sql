-- The club's database. What donjon's payments keep stands in its documentation, under "Taking payments".

CREATE TABLE IF NOT EXISTS users (
  name    VARCHAR(64)  NOT NULL PRIMARY KEY, -- canonical, as `Account::name` makes it
  hash    VARCHAR(255) NOT NULL,
  role    VARCHAR(16)  NOT NULL,
  blocked BOOLEAN      NOT NULL DEFAULT FALSE
);

CREATE TABLE IF NOT EXISTS orders (
  id       VARCHAR(64) NOT NULL PRIMARY KEY,
  minor    BIGINT      NOT NULL CHECK (minor > 0),
  currency CHAR(3)     NOT NULL,
  state    VARCHAR(16) NOT NULL DEFAULT 'created',
  paid_by  VARCHAR(300) -- the attempt, as gateway/reference
);

CREATE TABLE IF NOT EXISTS payment_attempts (
  order_id  VARCHAR(64)  NOT NULL REFERENCES orders (id),
  number    INTEGER      NOT NULL,
  gateway   VARCHAR(32)  NOT NULL,
  live      BOOLEAN      NOT NULL,
  reference VARCHAR(255),
  begun_at  TIMESTAMP    NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (order_id, number)
);

CREATE TABLE IF NOT EXISTS payment_events (
  gateway  VARCHAR(32)  NOT NULL,
  event    VARCHAR(255) NOT NULL,
  order_id VARCHAR(64)  NOT NULL REFERENCES orders (id),
  state    VARCHAR(16)  NOT NULL,
  heard_at TIMESTAMP    NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (gateway, event)
);

CREATE TABLE IF NOT EXISTS payment_returns (
  once    CHAR(32) NOT NULL PRIMARY KEY,
  over_at BIGINT   NOT NULL
);

-- An hour on a court, which has an order of the same name.
CREATE TABLE IF NOT EXISTS bookings (
  id        VARCHAR(64) NOT NULL PRIMARY KEY REFERENCES orders (id),
  member    VARCHAR(64) NOT NULL REFERENCES users (name),
  day       CHAR(10)    NOT NULL,
  hour      INTEGER     NOT NULL,
  court     INTEGER     NOT NULL,
  cancelled BOOLEAN     NOT NULL DEFAULT FALSE
);
-- However many click at the same moment, one has the court.
CREATE UNIQUE INDEX IF NOT EXISTS bookings_once ON bookings (day, hour, court) WHERE NOT cancelled;
