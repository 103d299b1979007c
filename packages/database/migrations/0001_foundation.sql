-- The foundation: bars in, features, state and outbox beside them; ledger, account and equity.
-- Instants are timestamptz, exact to the millisecond; `recorded_at` is wall time, all else domain time.

-- Through float8 seconds, which to_timestamp rounds to the microsecond: exact to the millisecond for
-- centuries, and ten times faster than interval arithmetic.
create function instant_of(ms bigint) returns timestamptz
  language sql immutable strict parallel safe
  return to_timestamp(ms::float8 / 1000);

create function ms_of(instant timestamptz) returns bigint
  language sql immutable strict parallel safe
  return (extract(epoch from instant) * 1000)::bigint;

-- What the materializer commits, a batch at a time.

create table bar (
  symbol text not null,
  bar_time timestamptz not null,
  session date not null,
  open float8 not null,
  high float8 not null,
  low float8 not null,
  close float8 not null,
  source text not null,
  recorded_at timestamptz not null default now(),
  primary key (symbol, bar_time)
);

create table rejected_bar_count (
  source text not null,
  reason text not null,
  count bigint not null check (count > 0),
  recorded_at timestamptz not null default now(),
  primary key (source, reason)
);

create table macro_value (
  series text not null,
  date date not null,
  value float8 not null,
  revision int not null default 1,
  recorded_at timestamptz not null default now(),
  primary key (series, date)
);

create table feature_row (
  definition_hash text not null,
  symbol text not null,
  bar_time timestamptz not null,
  available_at timestamptz not null,
  session date not null,
  market bytea not null,               -- float64s, little-endian, contract order, NaN = missing
  time_normalized float8 not null,
  gap_bars int not null,
  flags text[] not null,
  macro_age_ms float8 not null,        -- NaN or Infinity before the first release
  macro_released_at timestamptz not null,
  recorded_at timestamptz not null default now(),
  primary key (definition_hash, symbol, bar_time)
);

create index feature_row_session on feature_row (definition_hash, session);

create table reducer_state (
  definition_hash text not null,
  key text not null,                   -- 'macro', or 'symbol:' and the symbol
  state bytea not null,
  recorded_at timestamptz not null default now(),
  primary key (definition_hash, key)
);

create table checkpoint (
  source text primary key,
  bar_time timestamptz,
  position bigint not null,
  recorded_at timestamptz not null default now()
);

create table outbox (
  id bigint generated always as identity primary key,
  topic text not null,
  payload jsonb not null,
  recorded_at timestamptz not null default now()
);

create table consumer_cursor (
  consumer text primary key,
  position bigint not null,
  recorded_at timestamptz not null default now()
);

create table sealed_session (
  dataset text not null,
  session date not null,
  file text not null,
  rows bigint not null,
  recorded_at timestamptz not null default now(),
  primary key (dataset, session)
);

-- What the gateway commits, a bar at a time.

create table ledger_entry (
  seq bigint primary key check (seq >= 1),
  kind text not null,
  id text not null unique,
  symbol text not null,
  bar_time timestamptz not null,
  trigger text not null,
  body text not null,                  -- canonical JSON, hashed as it stands
  prev_hash text not null unique,
  hash text not null unique,
  latency_ms float8,                   -- wall time it took; no part of the chain
  recorded_at timestamptz not null default now()
);

-- One decision, one fill, … per bar when the bar itself asked for it.
create unique index ledger_entry_bar on ledger_entry (symbol, bar_time, kind) where trigger = 'bar';
create index ledger_entry_symbol on ledger_entry (symbol, seq);

create function refuse_ledger_change() returns trigger language plpgsql as $$
begin
  raise exception 'ledger entries are never changed';
end
$$;

create trigger ledger_entry_append_only before update or delete or truncate on ledger_entry
  for each statement execute function refuse_ledger_change();

create table account (
  symbol text primary key,
  state jsonb not null,
  version bigint not null,
  recorded_at timestamptz not null default now()
);

create table equity_point (
  symbol text not null,
  bar_time timestamptz not null,
  available_at timestamptz not null,
  position float8 not null,
  cash float8 not null,
  equity float8 not null,
  close float8 not null,
  recorded_at timestamptz not null default now(),
  primary key (symbol, bar_time)
);
