"""What people find out about players: kept for good, agreed on, and what it says of the model in production."""
