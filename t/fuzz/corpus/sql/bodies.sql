create or replace function f() returns int begin atomic select case when a then 1 end; end;
create procedure p(a int, b int) language sql as $f$ select 1; $f$;
create rule r as on insert to t do (select 1; select 2);
