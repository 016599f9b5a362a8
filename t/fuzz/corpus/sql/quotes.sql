select 1; select 'it''s;', "a;""b", $x$ ; $$ $x$, $1;
-- c ;
/* /* n */ ; */ select 2