"""A bag of networks: what its members are, their folds, training, and what held-out rows say."""
