-- Which version of its projection a table holds: another one is folded afresh.

alter table read.checkpoints add column version int not null default 1;
