"""The work of ScoreFlow's steps, a module for each, and the comparison of two scorings."""
