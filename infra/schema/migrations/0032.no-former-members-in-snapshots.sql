-- The name of a former member stands in the person's own stream and nowhere else, as the names of users do.

alter table read.snapshots drop constraint not_personal;
alter table read.snapshots add constraint not_personal check (kind not in ('User', 'FormerMember'));
