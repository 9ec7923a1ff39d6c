"""Floor 3: the data of users, validated and converted for networks."""
