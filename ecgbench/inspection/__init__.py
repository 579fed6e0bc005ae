"""Pictures of one pre-trained method: what it rebuilds, how its space looks, how its losses fell."""
