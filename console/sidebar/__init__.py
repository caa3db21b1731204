"""The staff's phone page: what to do in my groups now, one tap away; opened in WeCom, alone or beside a chat."""
