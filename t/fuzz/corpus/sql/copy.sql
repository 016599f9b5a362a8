copy public.t (a, b) from stdin;
1	\N
\\.
\.x
\.
copy t from stdin with (format csv); -- rows
1,"a
b"
\.
select 1;