-- An append is planned once for each connection, not each time: PostgreSQL takes a plan that is made for a short group to
-- be cheaper than one for any, and making it was a quarter of the processor time of an append of one command.

alter function log.append(
  uuid[], bigint[], int[], int[], bigint[], int[], int[], bigint[], text[], bytea[],
  uuid[], uuid[], text[], uuid[], uuid[], uuid[], text[], int[], text[], int[], bytea[], bytea[]
) set plan_cache_mode = force_generic_plan;
