"""The data of the benchmarks: boards, backlogs, histories, and the queries on them."""
