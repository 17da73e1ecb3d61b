"""A bag of networks: its members, folds and training, and what follows from held-out rows."""
