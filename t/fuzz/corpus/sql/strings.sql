select E'a\'' -- c
  '\';', U&"\0041", U&'d!' uescape '!', B'1', x'f', n'z', 1.5e+3, 1..2, :'v', a::b;
