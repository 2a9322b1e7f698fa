"""WeCom: members of the school's own corporation, in its app and its linked mini-program."""
