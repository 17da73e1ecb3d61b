"""`clearprop circuit …`: the commands about digital circuits; `arguments` lists them."""
